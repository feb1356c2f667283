// Calls of one account's mailbox_store on behalf of a session: where it is, how long, how often again.
//
// What is called here is idempotent or carries a request_id, and there is one process behind a shard: UNAVAILABLE is
// tried again for a few seconds, so that a store that restarts costs a command some seconds and not its success.
// Thread-safety: as the session's.
#ifndef MAILMESH_SERVICES_IMAP_GATEWAY_STORE_CALLS_H_
#define MAILMESH_SERVICES_IMAP_GATEWAY_STORE_CALLS_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "common/net/awaitable.h"
#include "common/rpc/client_stream.h"
#include "common/rpc/retry.h"
#include "common/rpc/status.h"
#include "common/telemetry/trace.h"
#include "mailmesh/mailbox/v1/mailbox_service.grpc.pb.h"
#include "services/imap_gateway/view/shard.h"

namespace mailmesh::imap_gateway {

using Methods = class mailbox::v1::MailboxService::Stub::async;

class StoreCalls {
 public:
  using Stub = mailbox::v1::MailboxService::Stub;

  StoreCalls(std::shared_ptr<Shard> shard, std::string account_id, telemetry::Trace trace)
      : shard_(std::move(shard)), account_id_(std::move(account_id)), trace_(std::move(trace)) {}

  const std::string& account_id() const { return account_id_; }
  const std::shared_ptr<Shard>& shard() const { return shard_; }

  // `request` gets the account id. It must live until the call ends: a named local of the caller, awaited at once.
  template <class AsyncStub, class Request, class Response>
  net::Awaitable<absl::StatusOr<Response>> Call(
      void (AsyncStub::*method)(grpc::ClientContext*, const Request*, Response*, std::function<void(grpc::Status)>),
      Request& request) {
    request.set_account_id(account_id_);
    absl::StatusOr<std::shared_ptr<Stub>> stub = co_await FindStub();
    if (!stub.ok()) co_return stub.status();
    rpc::CallContext context = rpc::CallContext::Within(kCallTimeout, trace_);
    rpc::RetryPolicy policy = Policy();
    absl::StatusOr<Response> response = co_await rpc::RetryUnary((*stub)->async(), method, request, context, policy);
    Note(response.status());
    co_return response;
  }

  // For streams: the stub to start one on, and the context of a stream that lasts as long as its reader needs.
  net::Awaitable<absl::StatusOr<std::shared_ptr<Stub>>> FindStub();
  rpc::CallContext StreamContext() const { return rpc::CallContext::Within(kStreamTimeout, trace_); }
  // What a call of one's own came to.
  void Note(const absl::Status& status);
  static rpc::RetryPolicy Policy();

 private:
  static constexpr absl::Duration kCallTimeout = absl::Seconds(30);
  static constexpr absl::Duration kStreamTimeout = absl::Hours(24);

  const std::shared_ptr<Shard> shard_;  // shared with other sessions
  const std::string account_id_;
  const telemetry::Trace trace_;
};

}  // namespace mailmesh::imap_gateway

#endif  // MAILMESH_SERVICES_IMAP_GATEWAY_STORE_CALLS_H_
