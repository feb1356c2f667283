// Reads everything that the store has and compares what must agree; repairs what can be derived.
//
// Three passes: accounts with their names, mailboxes and messages, each account in a snapshot of its own; then contents with their
// references, in one snapshot, in the order of their keys. Every operation is one batch, so a snapshot is consistent: what
// is found is not a change under way.
// Thread-safety: free functions by any thread. Memory: one page of each kind, an account's names, and 8 octets for each of
// four million messages at a time.
#ifndef MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_VERIFY_H_
#define MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_VERIFY_H_

#include "absl/status/statusor.h"
#include "mailmesh/mailbox/v1/store_admin_service.pb.h"
#include "services/mailbox_store/engine/reads.h"
#include "services/mailbox_store/engine/store.h"

namespace mailmesh::mailbox_store {

absl::StatusOr<StreamReaderPtr<mailbox::v1::VerifyStoreResponse>> VerifyStore(Store& store,
                                                                              const mailbox::v1::VerifyStoreRequest& request);

}  // namespace mailmesh::mailbox_store

#endif  // MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_VERIFY_H_
