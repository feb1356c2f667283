// Walks over the pages of a mailbox that a UID set touches, as the head has them, skipping what is not there.
//
// Flow: PageWalk walk(txn, column, mailbox, uids, uid_next); while (more = walk.Next(), more.ok() && *more) use view().
// Thread-safety: the transaction's. The view is valid until the next Next() or write of that page.
#ifndef MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_PAGE_WALK_H_
#define MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_PAGE_WALK_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "services/mailbox_store/engine/txn.h"
#include "services/mailbox_store/engine/uid_set.h"

namespace mailmesh::mailbox_store {

class PageWalk {
 public:
  // `column`: kMessages or kEntries. `uids` must outlive the walk.
  PageWalk(Txn& txn, ColumnId column, MailboxId mailbox, const UidSet& uids, uint32_t uid_next);

  // False: no page is left.
  absl::StatusOr<bool> Next();
  const std::string& key() const { return key_; }
  const kv::PageView& view() const { return page_->view; }
  uint32_t base_uid() const { return page_number_ << kPageBits; }
  // The least index >= `from` in this page that is present and in the set; kPageWidth: none.
  uint32_t NextIndex(uint32_t from) const;

 private:
  std::string Key(uint32_t page) const { return keys::Page(txn_.number(), mailbox_, page); }
  // The least existing page >= `page`; sets stored_.
  absl::StatusOr<bool> FindPage(uint32_t page);

  Txn& txn_;
  const ColumnId column_;
  const MailboxId mailbox_;
  const UidSet& uids_;
  const uint32_t uid_next_;
  // For sets that touch many pages; else pages are read one by one.
  std::unique_ptr<kv::Iterator> iterator_;
  bool iterator_placed_ = false;
  uint64_t next_uid_ = 1;
  uint32_t page_number_ = 0;
  std::string key_;
  std::unique_ptr<StagedPage> page_;
};

}  // namespace mailmesh::mailbox_store

#endif  // MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_PAGE_WALK_H_
