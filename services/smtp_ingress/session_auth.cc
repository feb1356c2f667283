// Log-in on the submission ports (RFC 4954, RFC 6409).
#include "common/base/status.h"
#include "common/smtp/replies.h"
#include "common/telemetry/log.h"
#include "services/smtp_ingress/session.h"
#include "services/smtp_ingress/status_to_smtp.h"

namespace mailmesh::smtp_ingress {
namespace {

namespace replies = smtp::replies;
namespace server = smtp::server;

constexpr auto kStepTimeout = std::chrono::seconds(30);

}  // namespace

auth::ConnectionFacts Session::Facts() const {
  return auth::FactsOf(stream_, type::v1::PROTOCOL_SUBMISSION, trace_);
}

Session::Handled Session::On(server::AuthReceived event) {
  // The machine hears AUTH only where it was offered; the mechanism may still be none of ours.
  mechanism_ = event.auth.mechanism;
  exchange_ = ingress_.authenticator.NewExchange(Facts());
  const net::TimePoint deadline = net::After(kStepTimeout);
  auth::Step step = co_await exchange_->Start(mechanism_, std::move(event.auth.initial_response), deadline);
  ConcludeStep(std::move(step));
}

Session::Handled Session::On(server::AuthResponse event) {
  const net::TimePoint deadline = net::After(kStepTimeout);
  auth::Step step = co_await exchange_->Respond(std::move(event.response), deadline);
  ConcludeStep(std::move(step));
}

Session::Handled Session::On(server::AuthAborted) {
  if (exchange_ != nullptr) exchange_->Cancel();
  exchange_.reset();
  co_return;
}

void Session::ConcludeStep(auth::Step step) {
  if (const auto* challenge = std::get_if<auth::Challenge>(&step)) {
    machine_.Challenge(challenge->data);
    return;
  }
  exchange_.reset();
  if (const auto* failure = std::get_if<auth::Failure>(&step)) {
    const std::string_view reason = auth::FailureReasonName(failure->reason);
    ingress_.metrics.auth_attempts.With({"smtp", mechanism_, reason}).Increment();
    telemetry::Info("log-in failed", {trace_, {"session_id", session_id_},
                                      {"peer", stream_.peer_address().ToString()},
                                      {"mechanism", mechanism_},
                                      {"reason", reason},
                                      {"error", failure->detail}});
    if (failure->reason != auth::FailureReason::kTemporary &&
        ++failed_logins_ >= ingress_.authenticator.policy().max_failures()) {
      Answer(smtp::Verb::kAuth, replies::kTooManyErrors);  // 421: the machine closes
      return;
    }
    Answer(smtp::Verb::kAuth, FailureToReply(failure->reason));
    return;
  }
  const auth::Success& success = std::get<auth::Success>(step);
  account_permit_ = ingress_.limits->AdmitSession(success.account_id);
  if (account_permit_ == nullptr) {
    ingress_.metrics.auth_attempts.With({"smtp", mechanism_, "temporary"}).Increment();
    Answer(smtp::Verb::kAuth, replies::kAccountSessions);
    return;
  }
  ingress_.metrics.auth_attempts.With({"smtp", mechanism_, "success"}).Increment();
  account_id_ = success.account_id;
  account_ = success.address;
  if (!success.shard_endpoint.empty()) ingress_.shards->Learn(success.shard, success.shard_endpoint);
  entry_.SetAccount(account_);
  machine_.SetOffer(Offer());
  telemetry::Info("logged in", {trace_, {"session_id", session_id_},
                                {"account", account_},
                                {"peer", stream_.peer_address().ToString()},
                                {"mechanism", mechanism_},
                                {"tls", stream_.is_tls()}});
  Answer(smtp::Verb::kAuth, replies::kAuthenticated);
}

}  // namespace mailmesh::smtp_ingress
