// A mailbox at one moment: every message's UID, flags and MODSEQ, immutable.
//
// Messages lie in pages of up to kPageMessages, column-wise. A new version shares the pages that did not change with the
// one before it, so that a change of one message in 100,000 copies one page, and comparing two versions (diff.h) looks
// at the pages that differ only. 20 octets a message and a pointer a page.
// Thread-safety: immutable once built; share it as shared_ptr<const Version>.
// Standards: RFC 3501, 2.3.1 (UIDs, sequence numbers); RFC 7162 (MODSEQ).
#ifndef MAILMESH_SERVICES_IMAP_GATEWAY_VIEW_VERSION_H_
#define MAILMESH_SERVICES_IMAP_GATEWAY_VIEW_VERSION_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mailmesh::imap_gateway {

// `flags`: bits 0..15 are mailbox.v1.SystemFlag, 16 and up the mailbox's keywords by index.
struct Message {
  uint32_t uid = 0;
  uint64_t flags = 0;
  uint64_t modseq = 0;
  bool operator==(const Message&) const = default;
};

inline constexpr uint64_t kFlagSeen = 1;
inline constexpr uint64_t kFlagAnswered = 2;
inline constexpr uint64_t kFlagFlagged = 4;
inline constexpr uint64_t kFlagDeleted = 8;
inline constexpr uint64_t kFlagDraft = 16;
inline constexpr uint64_t kSystemFlagMask = 0xffff;
inline constexpr int kFirstKeywordBit = 16;
inline constexpr size_t kMaxKeywords = 48;

// Never empty, UIDs ascending.
struct Page {
  std::vector<uint32_t> uids;
  std::vector<uint64_t> flags;
  std::vector<uint64_t> modseqs;
  uint32_t unseen = 0;
  uint32_t deleted = 0;

  size_t size() const { return uids.size(); }
  Message at(size_t i) const { return {uids[i], flags[i], modseqs[i]}; }
  void Add(const Message& message);
};

class Version {
 public:
  static constexpr size_t kPageMessages = 512;
  // Owners: the versions that have the page in common.
  using PagePtr = std::shared_ptr<const Page>;
  // Owners: the versions since the last keyword was added.
  using Keywords = std::shared_ptr<const std::vector<std::string>>;

  Version() : keywords_(std::make_shared<const std::vector<std::string>>()) {}
  Version(std::vector<PagePtr> pages, Keywords keywords, uint64_t modseq, uint32_t uid_next);

  uint32_t size() const { return size_; }
  uint64_t modseq() const { return modseq_; }
  // At least one more than the greatest UID.
  uint32_t uid_next() const { return uid_next_; }
  uint32_t max_uid() const { return pages_.empty() ? 0 : pages_.back()->uids.back(); }
  const std::vector<std::string>& keywords() const { return *keywords_; }
  const Keywords& shared_keywords() const { return keywords_; }
  uint32_t unseen() const { return unseen_; }
  uint32_t deleted() const { return deleted_; }
  // Sequence number of the first message without \Seen; 0: there is none.
  uint32_t FirstUnseen() const;

  // `sequence` from 1 to size().
  Message At(uint32_t sequence) const;
  // 0: no message has this UID.
  uint32_t SequenceOf(uint32_t uid) const;
  // How many messages have a smaller UID.
  uint32_t CountBelow(uint32_t uid) const;
  // How many have a UID of first..last.
  uint32_t CountWithin(uint32_t first, uint32_t last) const;

  // Calls f(sequence, Message) for sequence numbers first..last, which must exist; stops when f returns false.
  template <class F>
  bool ForEach(uint32_t first, uint32_t last, F f) const {
    if (first > last) return true;
    size_t page = PageOf(first);
    size_t index = first - 1 - starts_[page];
    for (uint32_t sequence = first; sequence <= last; ++sequence) {
      if (!f(sequence, pages_[page]->at(index))) return false;
      if (++index == pages_[page]->size()) {
        ++page;
        index = 0;
      }
    }
    return true;
  }

  const std::vector<PagePtr>& pages() const { return pages_; }
  // What it would free if nothing were shared.
  size_t MemoryBytes() const;

 private:
  size_t PageOf(uint32_t sequence) const;

  std::vector<PagePtr> pages_;
  std::vector<uint32_t> starts_;  // messages before page i
  Keywords keywords_;
  uint64_t modseq_ = 0;
  uint32_t uid_next_ = 1;
  uint32_t size_ = 0;
  uint32_t unseen_ = 0;
  uint32_t deleted_ = 0;
};

// Owners: the view, and the sessions whose client knows this version.
using VersionPtr = std::shared_ptr<const Version>;

}  // namespace mailmesh::imap_gateway

#endif  // MAILMESH_SERVICES_IMAP_GATEWAY_VIEW_VERSION_H_
