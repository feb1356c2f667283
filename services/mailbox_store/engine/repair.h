// What a verification writes anew: each repair looks again under the account's lock, on the head, and commits by itself.
//
// Thread-safety: free functions by any thread. They block.
#ifndef MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_REPAIR_H_
#define MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_REPAIR_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "services/mailbox_store/engine/keys.h"
#include "services/mailbox_store/engine/store.h"
#include "services/mailbox_store/engine/summary.h"
#include "services/mailbox_store/engine/txn.h"

namespace mailmesh::mailbox_store {

// Counts the messages of a mailbox anew: its counters, and the greatest UIDs, MODSEQs and numbers that were given. The account's use of
// its quota is Recount's. Nothing if the mailbox was deleted.
absl::Status RecountMailbox(Txn& txn, MailboxId id);
// All mailboxes of the account, and its use of its quota.
absl::Status Recount(Txn& txn);

// Runs `change` in a transaction of the account and commits it. NotFound if the account was deleted.
absl::Status RepairAccount(Store& store, AccountId account, const std::function<absl::Status(Txn&)>& change);

// What the content of a message gives.
struct DerivedMessage {
  uint32_t uid = 0;
  uint64_t instance = 0;
  BlobId blob{};
  Summary summary;
};
// Writes summaries, size, and reference of a message anew, if it is still the same.
absl::Status RepairMessage(Store& store, AccountId account, MailboxId mailbox, const DerivedMessage& message);

// Names and mailboxes that do not belong together: all names without a mailbox go, what a name says of its mailbox is the mailbox's.
absl::Status RepairNames(Store& store, AccountId account);
// Gives a mailbox without a name one under "Lost".
absl::Status NameMailbox(Store& store, AccountId account, MailboxId mailbox);

// Hands records of a mailbox that is not there, or a content, to the collector.
absl::Status CollectMailbox(Store& store, AccountId account, MailboxId mailbox);
absl::Status CollectBlob(Store& store, const BlobId& blob, std::string_view stale_reference = {});

}  // namespace mailmesh::mailbox_store

#endif  // MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_REPAIR_H_
