#include "services/mailbox_store/engine/account.h"

namespace mailmesh::mailbox_store {
namespace {

// Beyond this a head that has nothing under way forgets its records: an operation over thousands of mailboxes (a rename)
// must not leave them all in memory.
constexpr size_t kMaxCachedMailboxes = 512;
constexpr size_t kMaxCountedPages = 4096;
constexpr size_t kRecordEstimate = 512;
constexpr size_t kCellEstimate = 512;

}  // namespace

Account::Head& Account::CurrentHead() {
  if (head_.lineage->broken()) {
    head_ = Head();
    return head_;
  }
  head_.overlay.Forget(done_ticket_.load(std::memory_order_acquire));
  if (head_.mailboxes.size() > kMaxCachedMailboxes && Idle()) head_.mailboxes.clear();
  if (head_.deltas.size() > kMaxCountedPages) head_.deltas.clear();
  return head_;
}

size_t Account::MemoryEstimate() {
  return sizeof(Account) + head_.mailboxes.size() * kRecordEstimate + head_.overlay.size() * kCellEstimate;
}

}  // namespace mailmesh::mailbox_store
