#include "services/mailbox_store/engine/new_account.h"

#include <string>

#include "common/base/bytes.h"
#include "services/mailbox_store/engine/keys.h"
#include "services/mailbox_store/engine/mailbox_tree.h"
#include "services/mailbox_store/engine/special_use.h"

namespace mailmesh::mailbox_store {
namespace {

void WriteMailbox(const Store& store, AccountId account, std::string_view name, std::string_view special_use,
                  storage::v1::AccountRecord& record, kv::Batch& batch) {
  record.set_last_mailbox(record.last_mailbox() + 1);
  record.set_last_uid_validity(record.last_uid_validity() + 1);
  record.set_mailboxes(record.mailboxes() + 1);
  const MailboxId id(record.last_mailbox());

  storage::v1::MailboxRecord mailbox;
  mailbox.set_name(std::string(name));
  mailbox.set_uid_validity(record.last_uid_validity());
  mailbox.set_uid_next(1);
  mailbox.set_recent_from(1);
  mailbox.set_highest_modseq(record.modseq());
  mailbox.set_special_use(std::string(special_use));
  storage::v1::MailboxNameRecord entry;
  entry.set_mailbox(id.value());
  entry.set_subscribed(true);
  entry.set_uid_validity(mailbox.uid_validity());
  entry.set_special_use(mailbox.special_use());
  batch.Put(store.column(ColumnId::kMailboxes), keys::Mailbox(account, id), mailbox.SerializeAsString());
  batch.Put(store.column(ColumnId::kNames), keys::Name(account, name), entry.SerializeAsString());
}

}  // namespace

void WriteNewAccount(const Store& store, AccountId number, std::string_view account_id, kv::Batch& batch) {
  storage::v1::AccountRecord record;
  record.set_account_id(std::string(account_id));
  record.set_last_uid_validity(static_cast<uint32_t>(store.NowSeconds()) - 1);
  record.set_modseq(1);  // RFC 7162, 3.1.2.1: never 0
  WriteMailbox(store, number, kInboxName, {}, record, batch);
  if (store.options().special_mailboxes) {
    for (std::string_view use : kSpecialUses) WriteMailbox(store, number, use, use, record, batch);
  }
  std::string octets;
  base::AppendBigEndian(octets, number.value());
  batch.Put(store.column(ColumnId::kMeta), keys::AccountById(account_id), octets);
  batch.Put(store.column(ColumnId::kAccounts), keys::Account(number), record.SerializeAsString());
}

}  // namespace mailmesh::mailbox_store
