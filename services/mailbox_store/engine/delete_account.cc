// DeleteAccount: an account goes at once for everybody, its data in the background. Its id stays taken.

#include "services/mailbox_store/engine/mutation.h"

namespace mailmesh::mailbox_store {

using mailbox::v1::DeleteAccountRequest;
using mailbox::v1::DeleteAccountResponse;

void DeleteAccount(Store& store, const DeleteAccountRequest& request, Done<DeleteAccountResponse> done) {
  auto run = [&]() -> absl::Status {
    RETURN_IF_ERROR(CheckRequestId(request.request_id()));
    ASSIGN_OR_RETURN(const AccountPtr account, store.FindAccount(request.account_id()));
    absl::MutexLock lock(&account->mutex);
    kv::Batch batch;
    Txn txn(store, account, &batch);
    const absl::Status begun = txn.Begin();
    // Deleted before: that is what was asked for. The empty commit waits until it is durable.
    if (begun.ok()) {
      txn.EditRecord().set_deleted(true);
      txn.PutUnread(ColumnId::kGarbage, keys::GarbageAccount(txn.number()), "");
      ASSIGN_OR_RETURN(const auto names, txn.ScanNames(keys::Account(txn.number()), kv::PrefixEnd(keys::Account(txn.number()))));
      for (const auto& [name, record] : names) {
        if (record.mailbox() == 0) continue;
        MailboxChange change;
        change.account = txn.number();
        change.mailbox = MailboxId(record.mailbox());
        change.deleted = true;
        txn.Announce(std::move(change));
      }
    } else if (!absl::IsNotFound(begun)) {
      return begun;
    }
    Store::CommitOptions options;
    options.grows = false;
    auto answer = std::make_shared<Done<DeleteAccountResponse>>(std::move(done));  // shared with the completion
    const absl::Status committed = store.Commit({&txn}, batch, options, [answer](const absl::Status& status) {
      if (status.ok()) {
        (*answer)(DeleteAccountResponse());
      } else {
        (*answer)(status);
      }
    });
    if (!committed.ok()) done = std::move(*answer);
    return committed;
  };
  const absl::Status status = run();
  if (!status.ok()) done(status);
}

}  // namespace mailmesh::mailbox_store
