// mailmesh.mailbox.v1.MailboxService: one line for each RPC; the work is in engine/.
//
// Thread-safe; called on gRPC's threads, runs on the pools and I/O threads it is given.
#ifndef MAILMESH_SERVICES_MAILBOX_STORE_RPC_MAILBOX_SERVICE_H_
#define MAILMESH_SERVICES_MAILBOX_STORE_RPC_MAILBOX_SERVICE_H_

#include "mailmesh/mailbox/v1/mailbox_service.grpc.pb.h"
#include "services/mailbox_store/rpc/service_base.h"

namespace mailmesh::mailbox_store {

class MailboxServiceImpl final : public mailbox::v1::MailboxService::CallbackService, private ServiceBase {
 public:
  explicit MailboxServiceImpl(const ServiceParts& parts) : ServiceBase(parts) {}

  using Context = grpc::CallbackServerContext;
  template <class Message>
  using In = const Message*;
  using Unary = grpc::ServerUnaryReactor;

  grpc::ServerReadReactor<mailbox::v1::UploadBodyRequest>* UploadBody(Context*, mailbox::v1::UploadBodyResponse*) override;
  Unary* DeliverMessage(Context*, In<mailbox::v1::DeliverMessageRequest>, mailbox::v1::DeliverMessageResponse*) override;
  Unary* AppendMessages(Context*, In<mailbox::v1::AppendMessagesRequest>, mailbox::v1::AppendMessagesResponse*) override;
  Unary* ListMailboxes(Context*, In<mailbox::v1::ListMailboxesRequest>, mailbox::v1::ListMailboxesResponse*) override;
  Unary* GetMailboxStatus(Context*, In<mailbox::v1::GetMailboxStatusRequest>,
                          mailbox::v1::GetMailboxStatusResponse*) override;
  Unary* CreateMailbox(Context*, In<mailbox::v1::CreateMailboxRequest>, mailbox::v1::CreateMailboxResponse*) override;
  Unary* DeleteMailbox(Context*, In<mailbox::v1::DeleteMailboxRequest>, mailbox::v1::DeleteMailboxResponse*) override;
  Unary* RenameMailbox(Context*, In<mailbox::v1::RenameMailboxRequest>, mailbox::v1::RenameMailboxResponse*) override;
  Unary* SetSubscription(Context*, In<mailbox::v1::SetSubscriptionRequest>, mailbox::v1::SetSubscriptionResponse*) override;
  Unary* OpenMailbox(Context*, In<mailbox::v1::OpenMailboxRequest>, mailbox::v1::OpenMailboxResponse*) override;
  Unary* ClaimRecent(Context*, In<mailbox::v1::ClaimRecentRequest>, mailbox::v1::ClaimRecentResponse*) override;
  grpc::ServerWriteReactor<mailbox::v1::ReadViewResponse>* ReadView(Context*, In<mailbox::v1::ReadViewRequest>) override;
  grpc::ServerBidiReactor<mailbox::v1::WatchMailboxesRequest, mailbox::v1::WatchMailboxesResponse>* WatchMailboxes(
      Context*) override;
  grpc::ServerWriteReactor<mailbox::v1::FetchSummariesResponse>* FetchSummaries(
      Context*, In<mailbox::v1::FetchSummariesRequest>) override;
  grpc::ServerWriteReactor<mailbox::v1::FetchContentResponse>* FetchContent(Context*,
                                                                            In<mailbox::v1::FetchContentRequest>) override;
  Unary* GetContent(Context*, In<mailbox::v1::GetContentRequest>, mailbox::v1::GetContentResponse*) override;
  Unary* SearchMessages(Context*, In<mailbox::v1::SearchMessagesRequest>, mailbox::v1::SearchMessagesResponse*) override;
  grpc::ServerWriteReactor<mailbox::v1::SortMessagesResponse>* SortMessages(Context*,
                                                                            In<mailbox::v1::SortMessagesRequest>) override;
  grpc::ServerWriteReactor<mailbox::v1::ThreadMessagesResponse>* ThreadMessages(
      Context*, In<mailbox::v1::ThreadMessagesRequest>) override;
  Unary* StoreFlags(Context*, In<mailbox::v1::StoreFlagsRequest>, mailbox::v1::StoreFlagsResponse*) override;
  Unary* CopyMessages(Context*, In<mailbox::v1::CopyMessagesRequest>, mailbox::v1::CopyMessagesResponse*) override;
  Unary* MoveMessages(Context*, In<mailbox::v1::MoveMessagesRequest>, mailbox::v1::MoveMessagesResponse*) override;
  Unary* ExpungeMessages(Context*, In<mailbox::v1::ExpungeMessagesRequest>, mailbox::v1::ExpungeMessagesResponse*) override;
  Unary* AcquireMaildrop(Context*, In<mailbox::v1::AcquireMaildropRequest>, mailbox::v1::AcquireMaildropResponse*) override;
  grpc::ServerWriteReactor<mailbox::v1::ListMaildropResponse>* ListMaildrop(Context*,
                                                                            In<mailbox::v1::ListMaildropRequest>) override;
  Unary* RenewMaildrop(Context*, In<mailbox::v1::RenewMaildropRequest>, mailbox::v1::RenewMaildropResponse*) override;
  Unary* CommitMaildrop(Context*, In<mailbox::v1::CommitMaildropRequest>, mailbox::v1::CommitMaildropResponse*) override;
  Unary* ReleaseMaildrop(Context*, In<mailbox::v1::ReleaseMaildropRequest>, mailbox::v1::ReleaseMaildropResponse*) override;
  Unary* GetQuota(Context*, In<mailbox::v1::GetQuotaRequest>, mailbox::v1::GetQuotaResponse*) override;
  Unary* DeleteAccount(Context*, In<mailbox::v1::DeleteAccountRequest>, mailbox::v1::DeleteAccountResponse*) override;

 private:
  // upload.cc
  asio::awaitable<absl::Status> OnUpload(rpc::CallInfo, rpc::ServerReader<mailbox::v1::UploadBodyRequest>& reader,
                                         mailbox::v1::UploadBodyResponse& response);
  // watch.cc
  asio::awaitable<absl::Status> OnWatch(rpc::CallInfo, rpc::ServerReader<mailbox::v1::WatchMailboxesRequest>& reader,
                                        rpc::ServerWriter<mailbox::v1::WatchMailboxesResponse>& writer);
  absl::Status DoSearch(const rpc::CallInfo& info, const mailbox::v1::SearchMessagesRequest& request,
                        mailbox::v1::SearchMessagesResponse& response);
};

}  // namespace mailmesh::mailbox_store

#endif  // MAILMESH_SERVICES_MAILBOX_STORE_RPC_MAILBOX_SERVICE_H_
