#include "common/imap/search_response.h"

#include <vector>

#include "common/imap/chars.h"
#include "common/imap/quote.h"

namespace mailmesh::imap {
namespace {

using internal::AppendNumber;

void AppendModSeq(std::string& out, ModSeq modseq) {
  if (!modseq) return;
  out.append(" (MODSEQ ");
  AppendNumber(out, modseq.value());
  out.push_back(')');
}

template <class Numbers>
void AppendNumbers(std::string& out, std::string_view name, const Numbers& numbers, ModSeq modseq) {
  out.append(name);
  for (const uint32_t number : numbers) {
    out.push_back(' ');
    AppendNumber(out, number);
  }
  // RFC 7162, 3.1.5: the mod-sequence comes with numbers only.
  if (numbers.begin() != numbers.end()) AppendModSeq(out, modseq);
  out.append("\r\n");
}

void AppendPair(std::string& out, std::string_view name, uint64_t value) {
  out.append(name);
  AppendNumber(out, value);
}

// Writes threads by walking the forest with a stack of its own: a chain of replies may be as long as a mailbox.
class ThreadWriter {
 public:
  ThreadWriter(std::string& out, std::span<const ThreadNode> nodes) : out_(out), nodes_(nodes) {}

  void Siblings(uint32_t first) {
    Open(first);
    while (!stack_.empty()) {
      const uint32_t next = nodes_[stack_.back()].next_sibling;
      out_.push_back(')');
      stack_.pop_back();
      if (Has(next)) Open(next);
    }
  }

 private:
  bool Has(uint32_t node) const { return node < nodes_.size(); }
  bool IsOnly(uint32_t node) const { return !Has(nodes_[node].next_sibling); }

  // RFC 5256, 4: "(" and then a chain of only children, until there are several, which each have parentheses again.
  void Open(uint32_t node) {
    for (;;) {
      out_.push_back('(');
      stack_.push_back(node);
      bool first = true;
      for (;;) {
        if (nodes_[node].number != 0) {
          if (!first) out_.push_back(' ');
          AppendNumber(out_, nodes_[node].number);
          first = false;
        }
        node = nodes_[node].first_child;
        if (!Has(node)) return;
        if (!IsOnly(node)) break;
      }
      if (!first) out_.push_back(' ');
    }
  }

  std::string& out_;
  std::span<const ThreadNode> nodes_;
  // The nodes whose parenthesis is open; their siblings come when it is closed.
  std::vector<uint32_t> stack_;
};

}  // namespace

void AppendSearch(std::string& out, const SequenceSet& found, ModSeq modseq) {
  AppendNumbers(out, "* SEARCH", found, modseq);
}

void AppendSearch(std::string& out, std::span<const uint32_t> found, ModSeq modseq) {
  AppendNumbers(out, "* SEARCH", found, modseq);
}

void AppendSort(std::string& out, std::span<const uint32_t> found, ModSeq modseq) {
  AppendNumbers(out, "* SORT", found, modseq);
}

void AppendESearch(std::string& out, std::string_view tag, bool uid, SearchReturn returns, const SequenceSet& found,
                   ModSeq modseq) {
  out.append("* ESEARCH (TAG ");
  AppendString(out, tag);
  out.push_back(')');
  if (uid) out.append(" UID");
  const bool any = !found.empty();
  if (any && (returns & kReturnMin) != 0) AppendPair(out, " MIN ", found.Min());
  if (any && (returns & kReturnMax) != 0) AppendPair(out, " MAX ", found.Max());
  if ((returns & kReturnCount) != 0) AppendPair(out, " COUNT ", found.Count());
  if (any && (returns & kReturnAll) != 0) {
    out.append(" ALL ");
    found.AppendTo(out);
  }
  if (any && modseq) AppendPair(out, " MODSEQ ", modseq.value());
  out.append("\r\n");
}

void AppendThread(std::string& out, std::span<const ThreadNode> nodes, uint32_t root) {
  out.append("* THREAD");
  if (root < nodes.size()) {
    out.push_back(' ');
    ThreadWriter(out, nodes).Siblings(root);
  }
  out.append("\r\n");
}

}  // namespace mailmesh::imap
