#include "services/fetcher/message_append.h"

#include <optional>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/rpc/client_stream.h"
#include "common/rpc/retry.h"

namespace mailmesh::fetcher {
namespace {

using mailbox::v1::MailboxService;
using Methods = class MailboxService::Stub::async;
using Upload = rpc::ClientStream<mailbox::v1::UploadBodyRequest, mailbox::v1::UploadBodyResponse>;

constexpr size_t kInlineLimit = 256 * 1024;
constexpr absl::Duration kUploadTimeout = absl::Hours(2);
constexpr absl::Duration kAppendTimeout = absl::Seconds(60);

// Reads all of the message into a body: inline, or uploaded as it comes.
net::Awaitable<absl::StatusOr<type::v1::MessageBody>> ReadBody(MailboxService::Stub& stub, Pop3Connection& connection,
                                                              std::string account_id, telemetry::Trace trace) {
  type::v1::MessageBody body;
  std::string buffer;
  std::optional<Upload> upload;
  for (;;) {
    absl::StatusOr<std::string> octets = co_await connection.ReadContent();
    if (!octets.ok()) co_return octets.status();
    if (octets->empty()) break;
    buffer += *octets;
    while (buffer.size() > kInlineLimit) {
      if (!upload.has_value()) {
        rpc::CallContext context = rpc::CallContext::Within(kUploadTimeout, trace);
        upload.emplace(Upload::Start(stub.async(), &Methods::UploadBody, context));
      }
      mailbox::v1::UploadBodyRequest request;
      request.set_account_id(account_id);
      request.mutable_chunk()->set_octets(buffer.substr(0, kInlineLimit));
      buffer.erase(0, kInlineLimit);
      absl::Status written = co_await upload->Write(std::move(request));
      if (!written.ok()) co_return written;
    }
  }
  if (!upload.has_value()) {
    body.set_inline_octets(std::move(buffer));
    co_return body;
  }
  mailbox::v1::UploadBodyRequest rest;
  rest.set_account_id(account_id);
  rest.mutable_chunk()->set_octets(std::move(buffer));
  absl::Status written = co_await upload->Write(std::move(rest));
  if (!written.ok()) co_return written;
  absl::StatusOr<mailbox::v1::UploadBodyResponse> done = co_await upload->Finish();
  if (!done.ok()) co_return done.status();
  body.set_upload_id(done->upload_id());
  co_return body;
}

}  // namespace

net::Awaitable<absl::StatusOr<bool>> AppendFetched(std::shared_ptr<grpc::Channel> store,
                                                   const fetch::v1::LeaseFetchJobsResponse::Lease& lease,
                                                   std::string remote_id, Pop3Connection& connection,
                                                   const telemetry::Trace& trace) {
  auto stub = MailboxService::NewStub(std::move(store));
  const fetch::v1::FetchJob& job = lease.job();
  absl::StatusOr<type::v1::MessageBody> body = co_await ReadBody(*stub, connection, job.account_id(), trace);
  if (!body.ok()) co_return body.status();

  mailbox::v1::AppendMessagesRequest request;
  request.set_request_id(trace.trace_id);
  request.set_account_id(job.account_id());
  request.set_mailbox(job.mailbox().empty() ? "INBOX" : job.mailbox());
  request.set_create_mailbox(true);
  *request.add_messages()->mutable_body() = std::move(*body);
  request.mutable_fence()->set_job_id(job.job_id());
  request.mutable_fence()->set_lease_token(lease.lease_token());
  request.mutable_fence()->add_remote_ids(remote_id);
  request.mutable_facts()->set_correlation_id(trace.trace_id);
  request.mutable_facts()->set_peer_address(absl::StrCat(job.host(), ":", job.port()));
  request.mutable_facts()->set_protocol("POP3");
  rpc::CallContext context = rpc::CallContext::Within(kAppendTimeout, trace);
  auto response = co_await rpc::RetryUnary(stub->async(), &Methods::AppendMessages, request, context);
  if (!response.ok()) co_return response.status();
  co_return response->uids_size() == 1 && response->uids(0) != 0;
}

}  // namespace mailmesh::fetcher
