#include "services/imap_gateway/view/version.h"

#include <algorithm>
#include <utility>

namespace mailmesh::imap_gateway {

void Page::Add(const Message& message) {
  uids.push_back(message.uid);
  flags.push_back(message.flags);
  modseqs.push_back(message.modseq);
  if ((message.flags & kFlagSeen) == 0) ++unseen;
  if ((message.flags & kFlagDeleted) != 0) ++deleted;
}

Version::Version(std::vector<PagePtr> pages, Keywords keywords, uint64_t modseq, uint32_t uid_next)
    : pages_(std::move(pages)), keywords_(std::move(keywords)), modseq_(modseq) {
  starts_.reserve(pages_.size());
  for (const PagePtr& page : pages_) {
    starts_.push_back(size_);
    size_ += static_cast<uint32_t>(page->size());
    unseen_ += page->unseen;
    deleted_ += page->deleted;
  }
  uid_next_ = std::max<uint32_t>(uid_next, max_uid() == UINT32_MAX ? UINT32_MAX : max_uid() + 1);
}

size_t Version::PageOf(uint32_t sequence) const {
  auto after = std::upper_bound(starts_.begin(), starts_.end(), sequence - 1);
  return static_cast<size_t>(after - starts_.begin()) - 1;
}

Message Version::At(uint32_t sequence) const {
  const size_t page = PageOf(sequence);
  return pages_[page]->at(sequence - 1 - starts_[page]);
}

uint32_t Version::CountBelow(uint32_t uid) const {
  const auto page = std::lower_bound(pages_.begin(), pages_.end(), uid,
                                     [](const PagePtr& p, uint32_t wanted) { return p->uids.back() < wanted; });
  if (page == pages_.end()) return size_;
  const std::vector<uint32_t>& uids = (*page)->uids;
  const auto at = std::lower_bound(uids.begin(), uids.end(), uid);
  return starts_[static_cast<size_t>(page - pages_.begin())] + static_cast<uint32_t>(at - uids.begin());
}

uint32_t Version::CountWithin(uint32_t first, uint32_t last) const {
  const uint32_t through = last == UINT32_MAX ? size_ : CountBelow(last + 1);
  return through - std::min(through, CountBelow(first));
}

uint32_t Version::SequenceOf(uint32_t uid) const {
  const uint32_t below = CountBelow(uid);
  return below < size_ && At(below + 1).uid == uid ? below + 1 : 0;
}

uint32_t Version::FirstUnseen() const {
  for (size_t i = 0; i < pages_.size(); ++i) {
    if (pages_[i]->unseen == 0) continue;
    const std::vector<uint64_t>& flags = pages_[i]->flags;
    const auto at = std::find_if(flags.begin(), flags.end(), [](uint64_t f) { return (f & kFlagSeen) == 0; });
    return starts_[i] + static_cast<uint32_t>(at - flags.begin()) + 1;
  }
  return 0;
}

size_t Version::MemoryBytes() const {
  constexpr size_t kMessage = sizeof(uint32_t) + 2 * sizeof(uint64_t);
  constexpr size_t kPage = sizeof(Page) + sizeof(PagePtr) + sizeof(uint32_t) + 32;
  return sizeof(Version) + pages_.size() * kPage + size_ * kMessage;
}

}  // namespace mailmesh::imap_gateway
