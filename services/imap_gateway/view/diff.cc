#include "services/imap_gateway/view/diff.h"

#include "services/imap_gateway/view/version_builder.h"

namespace mailmesh::imap_gateway {
namespace {

// A place in a version that can step over whole pages.
class Cursor {
 public:
  explicit Cursor(const Version& version) : pages_(version.pages()) {}

  bool done() const { return page_ == pages_.size(); }
  bool at_page_start() const { return index_ == 0; }
  const Page* page() const { return pages_[page_].get(); }
  uint32_t uid() const { return page()->uids[index_]; }
  uint64_t flags() const { return page()->flags[index_]; }
  uint64_t modseq() const { return page()->modseqs[index_]; }
  uint32_t sequence() const { return sequence_; }

  void Next() {
    ++sequence_;
    if (++index_ == page()->size()) {
      ++page_;
      index_ = 0;
    }
  }
  void SkipPage() {
    sequence_ += static_cast<uint32_t>(page()->size());
    ++page_;
  }

 private:
  const std::vector<Version::PagePtr>& pages_;
  size_t page_ = 0;
  size_t index_ = 0;
  uint32_t sequence_ = 1;
};

}  // namespace

Diff Compare(const Version& older, const Version& newer, bool modseq_too) {
  Diff diff;
  Cursor was(older);
  Cursor is(newer);
  while (!was.done() && !is.done()) {
    if (was.at_page_start() && is.at_page_start() && was.page() == is.page()) {
      was.SkipPage();
      is.SkipPage();
    } else if (was.uid() == is.uid()) {
      if (was.flags() != is.flags() || (modseq_too && was.modseq() != is.modseq())) {
        diff.flags_changed.push_back(is.sequence());
      }
      was.Next();
      is.Next();
    } else if (was.uid() < is.uid()) {
      diff.expunged.push_back(was.sequence());
      was.Next();
    } else {
      ++diff.added;
      is.Next();
    }
  }
  for (; !was.done(); was.Next()) diff.expunged.push_back(was.sequence());
  for (; !is.done(); is.SkipPage()) {
    // The cursor may stand within a page: count what is left of it.
    while (!is.done() && !is.at_page_start()) {
      ++diff.added;
      is.Next();
    }
    if (is.done()) break;
    diff.added += static_cast<uint32_t>(is.page()->size());
  }
  return diff;
}

VersionPtr KeepExpunged(const Version& older, const Version& newer, const std::vector<uint32_t>& expunged) {
  VersionBuilder builder(newer);
  for (uint32_t sequence : expunged) builder.Put(older.At(sequence));
  return builder.Build();
}

}  // namespace mailmesh::imap_gateway
