// Quota of an account: octets and messages (RFC 9208: STORAGE and MESSAGE), counted in its record by the batches that change them.
//
// Enforced under the account's lock on the head, so that what several sessions add at once is counted too.
// Thread-safety: free functions; the transaction's where they take one.
#ifndef MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_QUOTA_H_
#define MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_QUOTA_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "mailmesh/mailbox/v1/store_admin_service.pb.h"
#include "services/mailbox_store/engine/operations.h"
#include "services/mailbox_store/engine/store.h"
#include "services/mailbox_store/engine/txn.h"

namespace mailmesh::mailbox_store {

// ResourceExhausted/QUOTA if the account may not grow by this much. Nothing is counted yet.
absl::Status CheckQuota(Txn& txn, uint64_t messages, uint64_t octets);
// Counts what was added, and what was taken away.
void CountAdded(storage::v1::AccountRecord& account, uint64_t messages, uint64_t octets);
void CountRemoved(storage::v1::AccountRecord& account, uint64_t messages, uint64_t octets);

void SetQuota(Store& store, const mailbox::v1::SetQuotaRequest& request, Done<mailbox::v1::SetQuotaResponse> done);
absl::StatusOr<mailbox::v1::GetQuotaResponse> GetQuota(Store& store, const mailbox::v1::GetQuotaRequest& request);
absl::StatusOr<mailbox::v1::ListQuotasResponse> ListQuotas(Store& store, const mailbox::v1::ListQuotasRequest& request);

}  // namespace mailmesh::mailbox_store

#endif  // MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_QUOTA_H_
