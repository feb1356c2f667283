#include "services/imap_gateway/view/version_builder.h"

#include <algorithm>

namespace mailmesh::imap_gateway {
namespace {

// Pages that expunges have left small are put together once there are this many times as many as needed.
constexpr size_t kCompactFactor = 2;
constexpr size_t kCompactSlack = 8;

}  // namespace

void VersionBuilder::Sort() {
  std::sort(expunged_.begin(), expunged_.end());
  // Of two entries for one UID the later one counts.
  const auto before = [](const Message& a, const Message& b) { return a.uid < b.uid; };
  if (!std::is_sorted(put_.begin(), put_.end(), before)) std::stable_sort(put_.begin(), put_.end(), before);
  size_t kept = 0;
  for (size_t i = 0; i < put_.size(); ++i) {
    if (i + 1 < put_.size() && put_[i + 1].uid == put_[i].uid) continue;
    put_[kept++] = put_[i];
  }
  put_.resize(kept);
}

bool VersionBuilder::IsExpunged(uint32_t uid) {
  while (next_expunged_ < expunged_.size() && expunged_[next_expunged_].second < uid) ++next_expunged_;
  // Ranges may overlap: the ones after the first that could hold the UID begin later, and matter only when they begin
  // at or before it.
  for (size_t i = next_expunged_; i < expunged_.size() && expunged_[i].first <= uid; ++i) {
    if (expunged_[i].second >= uid) return true;
  }
  return false;
}

bool VersionBuilder::Touched(uint32_t first, uint32_t last) {
  if (next_put_ < put_.size() && put_[next_put_].uid <= last) return true;
  while (next_expunged_ < expunged_.size() && expunged_[next_expunged_].second < first) ++next_expunged_;
  for (size_t i = next_expunged_; i < expunged_.size() && expunged_[i].first <= last; ++i) {
    if (expunged_[i].second >= first) return true;
  }
  return false;
}

void VersionBuilder::CloseOpenPage() {
  if (open_ != nullptr) pages_.push_back(std::move(open_));
  open_ = nullptr;
}

void VersionBuilder::Append(const Message& message) {
  if (open_ != nullptr && open_->size() >= Version::kPageMessages) CloseOpenPage();
  if (open_ == nullptr) open_ = std::make_shared<Page>();
  open_->Add(message);
}

// `page` with the change applied; messages that are put at UIDs of up to `until` go with it.
void VersionBuilder::Rewrite(const Page& page, uint32_t until) {
  for (size_t i = 0; i < page.size(); ++i) {
    while (next_put_ < put_.size() && put_[next_put_].uid < page.uids[i]) Append(put_[next_put_++]);
    if (next_put_ < put_.size() && put_[next_put_].uid == page.uids[i]) {
      Append(put_[next_put_++]);
    } else if (!IsExpunged(page.uids[i])) {
      Append(page.at(i));
    }
  }
  while (next_put_ < put_.size() && put_[next_put_].uid <= until) Append(put_[next_put_++]);
}

void VersionBuilder::Compact() {
  std::vector<Version::PagePtr> old = std::move(pages_);
  pages_.clear();
  for (const Version::PagePtr& page : old) {
    for (size_t i = 0; i < page->size(); ++i) Append(page->at(i));
  }
  CloseOpenPage();
}

VersionPtr VersionBuilder::Build() {
  Sort();
  const std::vector<Version::PagePtr>& old = base_.pages();
  pages_.reserve(old.size() + put_.size() / Version::kPageMessages + 1);
  size_t messages = 0;
  for (size_t i = 0; i < old.size(); ++i) {
    const bool last_page = i + 1 == old.size();
    const uint32_t until = last_page ? UINT32_MAX : old[i + 1]->uids.front() - 1;
    // What is put between two pages goes with the one before it.
    const bool grows = next_put_ < put_.size() && put_[next_put_].uid <= until;
    if (grows || Touched(old[i]->uids.front(), old[i]->uids.back())) {
      // A full last page is left alone by what only comes after it.
      if (last_page && old[i]->size() >= Version::kPageMessages && !Touched(old[i]->uids.front(), old[i]->uids.back())) {
        pages_.push_back(old[i]);
        continue;
      }
      Rewrite(*old[i], until);
      CloseOpenPage();
    } else {
      pages_.push_back(old[i]);
    }
  }
  while (next_put_ < put_.size()) Append(put_[next_put_++]);
  CloseOpenPage();
  for (const Version::PagePtr& page : pages_) messages += page->size();
  const size_t needed = messages / Version::kPageMessages + 1;
  if (pages_.size() > kCompactFactor * needed + kCompactSlack) Compact();
  return std::make_shared<const Version>(std::move(pages_), std::move(keywords_), modseq_, uid_next_);
}

}  // namespace mailmesh::imap_gateway
