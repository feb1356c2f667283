// What the store does to mailboxes: each function stages one operation, hands it to the commit pipeline and returns; `done` is
// called once, at once for a refusal, else on the completion thread when the result is durable.
//
// Requests and responses are those of the contract. Requests must outlive the call, not `done`.
// Thread-safety: all by any thread. They block on the account's lock and on reads: never on an I/O or gRPC thread.
#ifndef MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_OPERATIONS_H_
#define MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_OPERATIONS_H_

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "mailmesh/mailbox/v1/mailbox_service.pb.h"
#include "services/mailbox_store/engine/store.h"

namespace mailmesh::mailbox_store {

template <class Response>
using Done = absl::AnyInvocable<void(absl::StatusOr<Response>)>;

void DeliverMessage(Store& store, const mailbox::v1::DeliverMessageRequest& request,
                    Done<mailbox::v1::DeliverMessageResponse> done);
void AppendMessages(Store& store, const mailbox::v1::AppendMessagesRequest& request,
                    Done<mailbox::v1::AppendMessagesResponse> done);
void CreateMailbox(Store& store, const mailbox::v1::CreateMailboxRequest& request,
                   Done<mailbox::v1::CreateMailboxResponse> done);
void DeleteMailbox(Store& store, const mailbox::v1::DeleteMailboxRequest& request,
                   Done<mailbox::v1::DeleteMailboxResponse> done);
void RenameMailbox(Store& store, const mailbox::v1::RenameMailboxRequest& request,
                   Done<mailbox::v1::RenameMailboxResponse> done);
void SetSubscription(Store& store, const mailbox::v1::SetSubscriptionRequest& request,
                     Done<mailbox::v1::SetSubscriptionResponse> done);
void OpenMailbox(Store& store, const mailbox::v1::OpenMailboxRequest& request, Done<mailbox::v1::OpenMailboxResponse> done);
void ClaimRecent(Store& store, const mailbox::v1::ClaimRecentRequest& request, Done<mailbox::v1::ClaimRecentResponse> done);
void StoreFlags(Store& store, const mailbox::v1::StoreFlagsRequest& request, Done<mailbox::v1::StoreFlagsResponse> done);
void CopyMessages(Store& store, const mailbox::v1::CopyMessagesRequest& request,
                  Done<mailbox::v1::CopyMessagesResponse> done);
void MoveMessages(Store& store, const mailbox::v1::MoveMessagesRequest& request,
                  Done<mailbox::v1::MoveMessagesResponse> done);
void ExpungeMessages(Store& store, const mailbox::v1::ExpungeMessagesRequest& request,
                     Done<mailbox::v1::ExpungeMessagesResponse> done);
void AcquireMaildrop(Store& store, const mailbox::v1::AcquireMaildropRequest& request,
                     Done<mailbox::v1::AcquireMaildropResponse> done);
void RenewMaildrop(Store& store, const mailbox::v1::RenewMaildropRequest& request,
                   Done<mailbox::v1::RenewMaildropResponse> done);
void CommitMaildrop(Store& store, const mailbox::v1::CommitMaildropRequest& request,
                    Done<mailbox::v1::CommitMaildropResponse> done);
void ReleaseMaildrop(Store& store, const mailbox::v1::ReleaseMaildropRequest& request,
                     Done<mailbox::v1::ReleaseMaildropResponse> done);
void DeleteAccount(Store& store, const mailbox::v1::DeleteAccountRequest& request,
                   Done<mailbox::v1::DeleteAccountResponse> done);

}  // namespace mailmesh::mailbox_store

#endif  // MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_OPERATIONS_H_
