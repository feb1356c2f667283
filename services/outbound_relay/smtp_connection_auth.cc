// How a connection logs in at its next hop, where the route has credentials (RFC 4954).
#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/telemetry/log.h"
#include "services/outbound_relay/smtp_connection.h"

namespace mailmesh::outbound_relay {
namespace {

namespace client = smtp::client;

// Unauthenticated: the credentials are not good. Unavailable: ask again later.
absl::Status FromReply(const smtp::Reply& reply) {
  if (reply.IsPositive()) return absl::OkStatus();
  return reply.IsPermanent() ? absl::UnauthenticatedError(reply.ToString()) : absl::UnavailableError(reply.ToString());
}

const char* LabelOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return "ok";
    case absl::StatusCode::kUnauthenticated:
      return "refused";
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kInvalidArgument:
      return "impossible";
    default:
      return "error";
  }
}

}  // namespace

net::Awaitable<absl::Status> SmtpConnection::LogIn() {
  if (!credentials_.has_value()) co_return absl::OkStatus();
  absl::Status status = co_await TryLogIn();
  relay_.metrics.auth.With({LabelOf(status)}).Increment();
  if (status.ok()) co_return status;
  telemetry::Warning("log-in at the next hop failed",
                     {{"next_hop", server_.host}, {"user", credentials_->user}, {"error", base::Message(status)}});
  // Whatever is wrong with our credentials is ours to mend: no mail goes back because of it. RFC 3463, 3.8: X.7.8 is for
  // credentials that are not good, X.7.0 for any other matter of security.
  const smtp::EnhancedStatus enhanced = absl::IsUnauthenticated(status) ? smtp::EnhancedStatus{4, 7, 8} : smtp::EnhancedStatus{4, 7, 0};
  FailLocally(smtp::Stage::kAuth, enhanced, absl::StrCat("Log-in at ", server_.host, " failed: ", std::string(base::Message(status))));
  co_return status;
}

net::Awaitable<absl::Status> SmtpConnection::TryLogIn() {
  // RFC 4954, 4 and 9: never in plain text over a network, whatever the route's TLS policy lets the mail do.
  const bool safe = stream_.is_tls() || stream_.peer_address().is_local();
  if (!safe) co_return absl::FailedPreconditionError("there is no TLS, and a log-in could be read or changed without it");
  const std::optional<sasl::Mechanism> mechanism = sasl::ChooseMechanism(machine_.offer().auth_mechanisms, safe);
  if (!mechanism.has_value()) co_return absl::FailedPreconditionError("the server offers no way to log in that is known here");
  absl::StatusOr<std::unique_ptr<sasl::ClientSession>> session = sasl::ClientSession::Create(*mechanism, *credentials_);
  if (!session.ok()) co_return session.status();
  absl::StatusOr<std::optional<base::Secret>> initial = (*session)->InitialResponse();
  if (!initial.ok()) co_return initial.status();
  CO_RETURN_IF_ERROR(machine_.Auth(sasl::MechanismName(*mechanism), *initial));
  absl::Status cancelled;  // why we broke it off
  for (;;) {
    absl::StatusOr<client::Event> event = co_await NextEvent(relay_.options.command_timeout);
    if (!event.ok()) co_return event.status();
    if (const auto* challenged = std::get_if<client::AuthChallenged>(&*event)) {
      absl::StatusOr<base::Secret> response = (*session)->Respond(challenged->challenge);
      if (!response.ok()) cancelled = response.status();
      CO_RETURN_IF_ERROR(response.ok() ? machine_.AuthRespond(*response) : machine_.AuthCancel());
    } else if (const auto* done = std::get_if<client::AuthDone>(&*event)) {
      if (!cancelled.ok()) co_return cancelled;
      // RFC 5802, 3: a server that says yes must have shown that it knows the password too.
      co_return done->reply.IsPositive() ? (*session)->CheckSuccess() : FromReply(done->reply);
    } else if (const auto* closed = std::get_if<client::Closed>(&*event)) {
      co_return absl::UnavailableError(closed->reply.ToString());
    } else if (const auto* failed = std::get_if<client::Failed>(&*event)) {
      co_return absl::UnavailableError(failed->reply.ToString());
    }
  }
}

}  // namespace mailmesh::outbound_relay
