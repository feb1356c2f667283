#include "common/auth/authenticator.h"

#include <grpcpp/channel.h>

#include <algorithm>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <chrono>
#include <memory>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/rpc/client_call.h"
#include "common/rpc/client_stream.h"
#include "common/rpc/status.h"
#include "mailmesh/directory/v1/auth_service.grpc.pb.h"

namespace mailmesh::auth {

using directory::v1::AuthService;

struct DirectoryStub {
  explicit DirectoryStub(std::unique_ptr<AuthService::Stub> made) : stub(std::move(made)) {}
  const std::unique_ptr<AuthService::Stub> stub;
};

namespace {

using directory::v1::AuthenticateRequest;
using directory::v1::AuthenticateResponse;

Step Fail(FailureReason reason, std::string detail) { return Failure{reason, std::move(detail)}; }

// What the directory said. Only what is plainly the client's fault is told as such.
Step FromStatus(const absl::Status& status) {
  std::string detail = status.ToString();
  if (absl::IsUnauthenticated(status) && rpc::HasReason(status, type::v1::ERROR_REASON_BAD_CREDENTIALS)) {
    return Fail(FailureReason::kBadCredentials, std::move(detail));
  }
  if (absl::IsInvalidArgument(status) && rpc::HasReason(status, type::v1::ERROR_REASON_BAD_SASL)) {
    return Fail(FailureReason::kMalformed, std::move(detail));
  }
  return Fail(FailureReason::kTemporary, std::move(detail));
}

// Mechanisms that are over with the initial response.
bool IsOneStep(std::string_view mechanism) { return mechanism == "PLAIN" || mechanism == "EXTERNAL"; }

class GrpcExchange final : public Exchange {
 public:
  GrpcExchange(std::shared_ptr<DirectoryStub> directory, const Policy& policy, net::Duration patience, ConnectionFacts facts)
      : directory_(std::move(directory)),
        policy_(policy),
        patience_(patience),
        facts_(std::move(facts)) {}

  net::Awaitable<Step> Start(std::string mechanism, std::optional<base::Secret> initial_response,
                             net::TimePoint deadline) override {
    if (!policy_.MayLogIn(facts_)) co_return Fail(FailureReason::kTlsRequired, "no log-in without TLS here");
    if (!policy_.Allows(facts_, mechanism)) co_return Fail(FailureReason::kMechanismNotOffered, "mechanism not offered");
    if (initial_response && initial_response->Reveal().size() > kMaxSaslResponse) {
      co_return Fail(FailureReason::kMalformed, "initial response too long");
    }
    directory::v1::LogInRequest only;
    FillStart(mechanism, initial_response, only.mutable_start());
    if (initial_response && IsOneStep(only.start().mechanism())) {
      std::optional<Step> answer = co_await LogIn(only, deadline);
      if (answer) co_return *std::move(answer);
    }
    AuthenticateRequest request;
    *request.mutable_start() = std::move(*only.mutable_start());
    rpc::CallContext context = rpc::CallContext::Until(deadline, facts_.trace);
    stream_ = Stream::Start(directory_->stub->async(), &AuthService::Stub::async::Authenticate, context);
    Step step = co_await RoundTrip(std::move(request));
    co_return step;
  }

  // The deadline of the call is the one given to Start: a session has one for its whole log-in.
  net::Awaitable<Step> Respond(base::Secret response, net::TimePoint) override {
    if (success_) co_return Acknowledge(response);
    if (!stream_) co_return Fail(FailureReason::kMalformed, "no exchange is under way");
    if (response.Reveal().size() > kMaxSaslResponse) {
      Cancel();
      co_return Fail(FailureReason::kMalformed, "response too long");
    }
    AuthenticateRequest request;
    request.set_response(std::string(response.Reveal()));
    Step step = co_await RoundTrip(std::move(request));
    co_return step;
  }

  void Cancel() override {
    stream_ = Stream();
    success_.reset();
  }

 private:
  using Stream = rpc::BidiStream<AuthenticateRequest, AuthenticateResponse>;

  void FillStart(const std::string& mechanism, const std::optional<base::Secret>& initial_response,
                 directory::v1::AuthenticateStart* start) const {
    start->set_mechanism(absl::AsciiStrToUpper(mechanism));
    if (initial_response) start->set_initial_response(std::string(initial_response->Reveal()));
    directory::v1::ConnectionFacts* facts = start->mutable_facts();
    facts->set_protocol(facts_.protocol);
    // The directory looks again whether this is a peer on our machine: it needs an address that says so.
    facts->set_peer_address(facts_.peer_address.empty() && facts_.local ? "unix" : facts_.peer_address);
    facts->set_tls(facts_.tls);
    if (facts_.tls) facts->set_channel_binding_tls_exporter(facts_.channel_binding);
    facts->set_correlation_id(facts_.trace.trace_id);
    facts->set_client_certificate_address(facts_.client_certificate_address);
  }

  // The whole exchange in one call; nothing: the directory is of the version before it. `request` is of the coroutine that
  // awaits this one at once.
  net::Awaitable<std::optional<Step>> LogIn(const directory::v1::LogInRequest& request, net::TimePoint deadline) {
    rpc::CallContext context = rpc::CallContext::Until(std::min(deadline, net::After(patience_)), facts_.trace);
    auto answer = co_await rpc::UnaryCall(directory_->stub->async(), &AuthService::Stub::async::LogIn, request, context);
    if (absl::IsUnimplemented(answer.status())) co_return std::nullopt;
    if (!answer.ok()) co_return FromStatus(answer.status());
    co_return TakeSuccess(*answer->mutable_success());
  }

  net::Awaitable<Step> RoundTrip(AuthenticateRequest request) {
    // Ends the call, and so the operation under way. The token dies with this frame, for the timer's handler may come late.
    auto token = std::make_shared<int>();
    asio::steady_timer timer(co_await asio::this_coro::executor, patience_);
    timer.async_wait([this, frame = std::weak_ptr<int>(token)](const asio::error_code& error) {
      if (!error && !frame.expired()) stream_ = Stream();
    });
    // A failed write says only that the call is over; Read knows why.
    absl::Status written = co_await stream_.Write(std::move(request));
    absl::StatusOr<std::optional<AuthenticateResponse>> answer = co_await stream_.Read();
    if (!answer.ok() || !answer->has_value()) {
      absl::Status status = answer.ok() ? absl::InternalError("the directory ended the exchange without a verdict")
                                        : answer.status();
      Cancel();
      co_return FromStatus(status);
    }
    AuthenticateResponse& response = **answer;
    if (response.step_case() == AuthenticateResponse::kChallenge) {
      co_return Challenge{std::move(*response.mutable_challenge())};
    }
    if (response.step_case() != AuthenticateResponse::kSuccess || !written.ok()) {
      Cancel();
      co_return Fail(FailureReason::kTemporary, "the directory's answer is not understood");
    }
    // The verdict is there; the stream's end is of no interest.
    stream_ = Stream();
    co_return TakeSuccess(*response.mutable_success());
  }

  Step TakeSuccess(directory::v1::AuthenticateSuccess& message) {
    Success success{message.account_id(), message.address(), message.shard(), message.shard_endpoint()};
    if (!message.has_final_data()) return success;
    success_ = std::move(success);
    return Challenge{message.final_data()};
  }

  Step Acknowledge(const base::Secret& response) {
    Success success = *std::move(success_);
    success_.reset();
    if (!response.empty()) return Fail(FailureReason::kMalformed, "the answer to the server's final message is not empty");
    return success;
  }

  const std::shared_ptr<DirectoryStub> directory_;  // shared with the authenticator's other exchanges
  const Policy& policy_;
  const net::Duration patience_;
  const ConnectionFacts facts_;
  Stream stream_;
  // A success whose final data the client must still acknowledge.
  std::optional<Success> success_;
};

}  // namespace

std::string_view FailureReasonName(FailureReason reason) {
  switch (reason) {
    case FailureReason::kBadCredentials: return "bad_credentials";
    case FailureReason::kMalformed: return "malformed";
    case FailureReason::kMechanismNotOffered: return "mechanism_not_offered";
    case FailureReason::kTlsRequired: return "tls_required";
    case FailureReason::kTemporary: return "temporary";
  }
  return "temporary";
}

Authenticator::Authenticator(std::shared_ptr<grpc::Channel> directory, Policy policy, net::Duration patience)
    : directory_(std::make_shared<DirectoryStub>(AuthService::NewStub(directory))),
      policy_(policy), patience_(patience) {}
Authenticator::~Authenticator() = default;

std::unique_ptr<Exchange> Authenticator::NewExchange(ConnectionFacts facts) {
  return std::make_unique<GrpcExchange>(directory_, policy_, patience_, std::move(facts));
}

net::Awaitable<Step> Authenticator::VerifyPlain(ConnectionFacts facts, std::string user, base::Secret password,
                                                net::TimePoint deadline) {
  // RFC 4616, 2: a NUL in either would move the border between them.
  if (user.find('\0') != std::string::npos || password.Reveal().find('\0') != std::string_view::npos) {
    co_return Fail(FailureReason::kMalformed, "a NUL in name or password");
  }
  // PLAIN cannot say "empty"; nobody has such a name or password.
  if (user.empty() || password.empty()) co_return Fail(FailureReason::kBadCredentials, "no name or no password");
  std::string message(1, '\0');
  message += user;
  message.push_back('\0');
  message += password.Reveal();
  std::optional<base::Secret> initial(base::Secret(std::move(message)));
  std::unique_ptr<Exchange> exchange = NewExchange(std::move(facts));
  std::string mechanism = "PLAIN";
  Step step = co_await exchange->Start(std::move(mechanism), std::move(initial), deadline);
  if (std::holds_alternative<Challenge>(step)) co_return Fail(FailureReason::kTemporary, "a challenge where none can be");
  co_return step;
}

}  // namespace mailmesh::auth
