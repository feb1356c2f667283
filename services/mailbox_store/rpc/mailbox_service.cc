#include "services/mailbox_store/rpc/mailbox_service.h"

#include "services/mailbox_store/engine/quota.h"

namespace mailmesh::mailbox_store {

using namespace mailbox::v1;  // NOLINT: every message of the contract
using Service = MailboxServiceImpl;

Service::Unary* Service::DeliverMessage(Context* context, In<DeliverMessageRequest> request, DeliverMessageResponse* response) {
  return Change<Operation::kDeliver, &mailbox_store::DeliverMessage>(context, request, response);
}

Service::Unary* Service::AppendMessages(Context* context, In<AppendMessagesRequest> request, AppendMessagesResponse* response) {
  return Change<Operation::kAppend, &mailbox_store::AppendMessages>(context, request, response);
}

Service::Unary* Service::CreateMailbox(Context* context, In<CreateMailboxRequest> request, CreateMailboxResponse* response) {
  return Change<Operation::kCreate, &mailbox_store::CreateMailbox>(context, request, response);
}

Service::Unary* Service::DeleteMailbox(Context* context, In<DeleteMailboxRequest> request, DeleteMailboxResponse* response) {
  return Change<Operation::kDelete, &mailbox_store::DeleteMailbox>(context, request, response);
}

Service::Unary* Service::RenameMailbox(Context* context, In<RenameMailboxRequest> request, RenameMailboxResponse* response) {
  return Change<Operation::kRename, &mailbox_store::RenameMailbox>(context, request, response);
}

Service::Unary* Service::SetSubscription(Context* context, In<SetSubscriptionRequest> request, SetSubscriptionResponse* response) {
  return Change<Operation::kSubscribe, &mailbox_store::SetSubscription>(context, request, response);
}

Service::Unary* Service::OpenMailbox(Context* context, In<OpenMailboxRequest> request, OpenMailboxResponse* response) {
  return Change<Operation::kOpen, &mailbox_store::OpenMailbox>(context, request, response);
}

Service::Unary* Service::ClaimRecent(Context* context, In<ClaimRecentRequest> request, ClaimRecentResponse* response) {
  return Change<Operation::kClaimRecent, &mailbox_store::ClaimRecent>(context, request, response);
}

Service::Unary* Service::StoreFlags(Context* context, In<StoreFlagsRequest> request, StoreFlagsResponse* response) {
  return Change<Operation::kStore, &mailbox_store::StoreFlags>(context, request, response);
}

Service::Unary* Service::CopyMessages(Context* context, In<CopyMessagesRequest> request, CopyMessagesResponse* response) {
  return Change<Operation::kCopy, &mailbox_store::CopyMessages>(context, request, response);
}

Service::Unary* Service::MoveMessages(Context* context, In<MoveMessagesRequest> request, MoveMessagesResponse* response) {
  return Change<Operation::kMove, &mailbox_store::MoveMessages>(context, request, response);
}

Service::Unary* Service::ExpungeMessages(Context* context, In<ExpungeMessagesRequest> request, ExpungeMessagesResponse* response) {
  return Change<Operation::kExpunge, &mailbox_store::ExpungeMessages>(context, request, response);
}

Service::Unary* Service::AcquireMaildrop(Context* context, In<AcquireMaildropRequest> request, AcquireMaildropResponse* response) {
  return Change<Operation::kMaildrop, &mailbox_store::AcquireMaildrop>(context, request, response);
}

Service::Unary* Service::RenewMaildrop(Context* context, In<RenewMaildropRequest> request, RenewMaildropResponse* response) {
  return Change<Operation::kMaildrop, &mailbox_store::RenewMaildrop>(context, request, response);
}

Service::Unary* Service::CommitMaildrop(Context* context, In<CommitMaildropRequest> request, CommitMaildropResponse* response) {
  return Change<Operation::kMaildrop, &mailbox_store::CommitMaildrop>(context, request, response);
}

Service::Unary* Service::ReleaseMaildrop(Context* context, In<ReleaseMaildropRequest> request, ReleaseMaildropResponse* response) {
  return Change<Operation::kMaildrop, &mailbox_store::ReleaseMaildrop>(context, request, response);
}

Service::Unary* Service::GetQuota(Context* context, In<GetQuotaRequest> request, GetQuotaResponse* response) {
  return Read<Operation::kQuota, &mailbox_store::GetQuota>(context, request, response);
}

Service::Unary* Service::DeleteAccount(Context* context, In<DeleteAccountRequest> request, DeleteAccountResponse* response) {
  return Change<Operation::kDeleteAccount, &mailbox_store::DeleteAccount>(context, request, response);
}

Service::Unary* Service::ListMailboxes(Context* context, In<ListMailboxesRequest> request, ListMailboxesResponse* response) {
  return Read<Operation::kList, &mailbox_store::ListMailboxes>(context, request, response);
}

Service::Unary* Service::GetMailboxStatus(Context* context, In<GetMailboxStatusRequest> request, GetMailboxStatusResponse* response) {
  return Read<Operation::kStatus, &mailbox_store::GetMailboxStatus>(context, request, response);
}

Service::Unary* Service::SearchMessages(Context* context, In<SearchMessagesRequest> request,
                                        SearchMessagesResponse* response) {
  return rpc::HandleUnaryOnPool(context, parts_.reads, request, response, this, &MailboxServiceImpl::DoSearch);
}

absl::Status Service::DoSearch(const rpc::CallInfo& info, const SearchMessagesRequest& request,
                               SearchMessagesResponse& response) {
  Audit(info, request);
  const OperationTimer timer(parts_.store.metrics(), Operation::kSearch);
  absl::StatusOr<SearchMessagesResponse> result =
      mailbox_store::SearchMessages(parts_.store, request, [&info] { return info.cancelled(); });
  timer.Finish(result.status());
  if (result.ok()) response = std::move(result).value();
  return result.status();
}

grpc::ServerWriteReactor<ReadViewResponse>* Service::ReadView(Context* context, In<ReadViewRequest> request) {
  return Stream<Operation::kView, &mailbox_store::ReadView, ReadViewResponse>(context, request);
}

grpc::ServerWriteReactor<ListMaildropResponse>* Service::ListMaildrop(Context* context, In<ListMaildropRequest> request) {
  return Stream<Operation::kMaildrop, &mailbox_store::ListMaildrop, ListMaildropResponse>(context, request);
}

grpc::ServerWriteReactor<FetchSummariesResponse>* Service::FetchSummaries(Context* context, In<FetchSummariesRequest> request) {
  return Stream<Operation::kSummaries, &mailbox_store::FetchSummaries, FetchSummariesResponse>(context, request);
}

grpc::ServerWriteReactor<FetchContentResponse>* Service::FetchContent(Context* context, In<FetchContentRequest> request) {
  return Stream<Operation::kFetch, &mailbox_store::FetchContent, FetchContentResponse>(context, request);
}

Service::Unary* Service::GetContent(Context* context, In<GetContentRequest> request, GetContentResponse* response) {
  return Read<Operation::kFetch, &mailbox_store::GetContent>(context, request, response);
}

grpc::ServerWriteReactor<SortMessagesResponse>* Service::SortMessages(Context* context, In<SortMessagesRequest> request) {
  return Stream<Operation::kSort, &mailbox_store::SortMessages, SortMessagesResponse>(context, request);
}

grpc::ServerWriteReactor<ThreadMessagesResponse>* Service::ThreadMessages(Context* context,
                                                                          In<ThreadMessagesRequest> request) {
  return Stream<Operation::kThread, &mailbox_store::ThreadMessages, ThreadMessagesResponse>(context, request);
}

grpc::ServerReadReactor<UploadBodyRequest>* Service::UploadBody(Context* context, UploadBodyResponse* response) {
  return rpc::HandleClientStream<UploadBodyRequest>(context, parts_.io.Next().get_executor(), response, this,
                                                    &MailboxServiceImpl::OnUpload);
}

grpc::ServerBidiReactor<WatchMailboxesRequest, WatchMailboxesResponse>* Service::WatchMailboxes(Context* context) {
  return rpc::HandleBidi<WatchMailboxesRequest, WatchMailboxesResponse>(context, parts_.io.Next().get_executor(), this,
                                                                        &MailboxServiceImpl::OnWatch);
}

}  // namespace mailmesh::mailbox_store
