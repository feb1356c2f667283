#include "services/mailbox_store/engine/page_walk.h"

#include <algorithm>

#include "common/base/status.h"
#include "services/mailbox_store/engine/errors.h"
#include "services/mailbox_store/engine/store.h"

namespace mailmesh::mailbox_store {
namespace {

// Sets that span more pages than this are walked with an iterator.
constexpr uint32_t kFewPages = 4;

}  // namespace

PageWalk::PageWalk(Txn& txn, ColumnId column, MailboxId mailbox, const UidSet& uids, uint32_t uid_next)
    : txn_(txn), column_(column), mailbox_(mailbox), uids_(uids), uid_next_(uid_next) {
  if (uids.empty()) return;
  const uint32_t last = std::min(uids.ranges().back().last, uid_next);
  const uint32_t first = uids.ranges().front().first;
  if (last < first || (last >> kPageBits) - (first >> kPageBits) < kFewPages) return;
  const std::string prefix = keys::Mailbox(txn.number(), mailbox);
  iterator_ = txn.store().db().NewIterator(txn.store().column(column), prefix, kv::PrefixEnd(prefix));
}

absl::StatusOr<bool> PageWalk::FindPage(uint32_t page) {
  page_ = std::make_unique<StagedPage>();
  key_ = Key(page);
  page_number_ = page;
  if (iterator_ == nullptr) {
    RETURN_IF_ERROR(txn_.ReadPage(column_, key_, page_.get()));
    return true;
  }
  if (!iterator_placed_) {
    iterator_->Seek(key_);
    iterator_placed_ = true;
  }
  while (iterator_->Valid() && iterator_->key() < key_) iterator_->Next();
  if (!iterator_->Valid()) RETURN_IF_ERROR(FromKv(iterator_->status()));
  const std::string staged = txn_.NextStagedKey(column_, key_, kv::PrefixEnd(keys::Mailbox(txn_.number(), mailbox_)));
  if (!iterator_->Valid() && staged.empty()) return false;
  if (!iterator_->Valid() || (!staged.empty() && staged < iterator_->key())) {
    key_ = staged;
  } else {
    key_ = std::string(iterator_->key());
  }
  page_number_ = keys::PageOf(key_);
  std::optional<std::string_view> stored;
  if (iterator_->Valid() && iterator_->key() == key_) stored = iterator_->value();
  RETURN_IF_ERROR(txn_.ReadPageOver(column_, key_, stored, page_.get()));
  return true;
}

absl::StatusOr<bool> PageWalk::Next() {
  while (next_uid_ < uid_next_) {
    const uint32_t uid = uids_.NextMember(static_cast<uint32_t>(next_uid_));
    if (uid == 0 || uid >= uid_next_) return false;
    ASSIGN_OR_RETURN(const bool found, FindPage(uid >> kPageBits));
    if (!found) return false;
    next_uid_ = (static_cast<uint64_t>(page_number_) + 1) << kPageBits;
    if (NextIndex(0) < kv::kPageWidth) return true;
  }
  return false;
}

uint32_t PageWalk::NextIndex(uint32_t from) const {
  while (from < kv::kPageWidth) {
    const uint32_t present = page_->view.Next(from);
    if (present >= kv::kPageWidth) return kv::kPageWidth;
    const uint32_t uid = base_uid() + present;
    const uint32_t member = uid == 0 ? 0 : uids_.NextMember(uid);
    if (member == uid && uid != 0) return present;
    if (uid != 0 && (member == 0 || member - base_uid() >= kv::kPageWidth)) return kv::kPageWidth;
    from = uid == 0 ? present + 1 : member - base_uid();
  }
  return kv::kPageWidth;
}

}  // namespace mailmesh::mailbox_store
