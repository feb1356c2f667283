#include "services/directory/auth_service.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/net/address.h"
#include "common/net/sleep.h"
#include "common/rpc/status.h"
#include "common/service/on_pool.h"
#include "common/telemetry/log.h"
#include "services/directory/errors.h"

namespace mailmesh::directory {
namespace {

// An exchange has three steps at most; its caller must say until when it waits.
constexpr absl::Duration kMaxExchange = absl::Minutes(15);

absl::Status BadSasl(std::string_view what) {
  return rpc::MakeError(absl::StatusCode::kInvalidArgument, type::v1::ERROR_REASON_BAD_SASL, what);
}

// The one answer to everything that must look alike.
absl::Status BadCredentials() {
  return rpc::MakeError(absl::StatusCode::kUnauthenticated, type::v1::ERROR_REASON_BAD_CREDENTIALS, "wrong name or password");
}

bool OnThisMachine(const std::string& peer) {
  if (peer == "unix") return true;
  absl::StatusOr<net::IpAddress> ip = net::IpAddress::Parse(peer);
  return ip.ok() && ip->is_loopback();
}

// The gateways decide by their configuration who may log in without TLS; what no configuration can allow is refused here
// once more (architecture, invariant 8).
bool MayLogIn(const v1::ConnectionFacts& facts, sasl::Mechanism mechanism) {
  if (!facts.tls() && !OnThisMachine(facts.peer_address())) return false;
  sasl::MechanismFacts what;
  what.channel_binding = facts.tls() && !facts.channel_binding_tls_exporter().empty();
  what.certificate = facts.tls() && !facts.client_certificate_address().empty();
  what.own_login = facts.protocol() == type::v1::PROTOCOL_IMAP || facts.protocol() == type::v1::PROTOCOL_POP3;
  return sasl::IsOffered(mechanism, what);
}

const char* ResultName(const absl::Status& status) {
  if (status.ok()) return "success";
  if (absl::IsUnauthenticated(status)) return "bad_credentials";
  return absl::IsInvalidArgument(status) ? "malformed" : "error";
}

}  // namespace

grpc::ServerUnaryReactor* AuthServiceImpl::ListMechanisms(grpc::CallbackServerContext* context,
                                                          const v1::ListMechanismsRequest* request,
                                                          v1::ListMechanismsResponse* response) {
  const v1::ConnectionFacts& facts = request->facts();
  for (sasl::Mechanism mechanism : sasl::kMechanisms) {
    if (MayLogIn(facts, mechanism)) response->add_mechanisms(std::string(sasl::MechanismName(mechanism)));
  }
  return rpc::AnswerUnary(context, absl::OkStatus());
}

grpc::ServerBidiReactor<v1::AuthenticateRequest, v1::AuthenticateResponse>* AuthServiceImpl::Authenticate(
    grpc::CallbackServerContext* context) {
  return rpc::HandleBidi<v1::AuthenticateRequest, v1::AuthenticateResponse>(context, parts_.io.Next().get_executor(), this,
                                                                            &AuthServiceImpl::OnAuthenticate);
}

grpc::ServerUnaryReactor* AuthServiceImpl::LogIn(grpc::CallbackServerContext* context, const v1::LogInRequest* request,
                                                 v1::LogInResponse* response) {
  return rpc::HandleUnary(context, parts_.io.Next().get_executor(), request, response, this, &AuthServiceImpl::OnLogIn);
}

asio::awaitable<absl::Status> AuthServiceImpl::OnAuthenticate(rpc::CallInfo info, Reader& reader, Writer& writer) {
  absl::StatusOr<std::optional<v1::AuthenticateRequest>> first = co_await reader.Read();
  if (!first.ok() || !first->has_value()) co_return absl::CancelledError("the caller went away");
  if (!(*first)->has_start()) co_return BadSasl("the first message is not a start");
  v1::AuthenticateStart start = std::move(*(*first)->mutable_start());
  auto success = co_await Serve(info, std::move(start), &reader, &writer);
  if (!success.ok()) co_return success.status();
  v1::AuthenticateResponse response;
  *response.mutable_success() = *std::move(success);
  writer.WriteLast(std::move(response));
  co_return absl::OkStatus();
}

asio::awaitable<absl::Status> AuthServiceImpl::OnLogIn(rpc::CallInfo info, const v1::LogInRequest& request,
                                                       v1::LogInResponse& response) {
  v1::AuthenticateStart start = request.start();
  auto success = co_await Serve(info, std::move(start), nullptr, nullptr);
  if (!success.ok()) co_return success.status();
  *response.mutable_success() = *std::move(success);
  co_return absl::OkStatus();
}

// reader and writer are those of the coroutine that awaits this one at once.
asio::awaitable<absl::StatusOr<v1::AuthenticateSuccess>> AuthServiceImpl::Serve(rpc::CallInfo info, v1::AuthenticateStart start,
                                                                                Reader* reader, Writer* writer) {
  if (info.deadline > absl::Now() + kMaxExchange) co_return BadSasl("the call has no deadline, or one that is too far");
  // Kept for the log and the limiter; nothing secret in them.
  const std::string peer = start.facts().peer_address();
  const std::string mechanism = start.mechanism();
  const type::v1::Protocol protocol = start.facts().protocol();

  Verdict verdict = co_await Exchange(std::move(start), info.trace, reader, writer);
  absl::Status status = Told(verdict.result.status());
  if (status.ok() || absl::IsUnauthenticated(status)) co_await HoldBack(&verdict, peer);
  parts_.metrics.auth_attempts.With({ProtocolName(protocol), mechanism, ResultName(status)}).Increment();
  telemetry::Log(status.ok() ? telemetry::Level::kInfo : telemetry::Level::kWarning, "log-in",
                 {info.trace,
                  {"command", mechanism},
                  {"protocol", ProtocolName(protocol)},
                  {"peer", peer},
                  {"account", status.ok() ? verdict.result->address() : verdict.name},
                  {"code", ResultName(status)},
                  {"error", status.ok() ? absl::OkStatus() : verdict.result.status()}});
  if (!status.ok()) co_return status;
  co_return std::move(verdict.result);
}

// reader and writer are those of the coroutine that awaits this one at once.
asio::awaitable<AuthServiceImpl::Verdict> AuthServiceImpl::Exchange(v1::AuthenticateStart start, telemetry::Trace trace,
                                                                    Reader* reader, Writer* writer) {
  Verdict verdict;
  std::optional<sasl::Mechanism> mechanism = sasl::ParseMechanism(start.mechanism());
  if (!mechanism || !MayLogIn(start.facts(), *mechanism)) {
    verdict.result = absl::InvalidArgumentError("this mechanism is not offered on this connection");
    co_return verdict;
  }
  const sasl::ServerSasl::Connection connection{start.facts().channel_binding_tls_exporter(),
                                                start.facts().client_certificate_address()};
  // Shared with a step on the pool, which a cancelled call leaves behind.
  struct LogIn {
    std::unique_ptr<sasl::ServerBackend> backend;
    std::unique_ptr<sasl::ServerSession> session;
  };
  const auto log_in = std::make_shared<LogIn>();
  log_in->backend = parts_.backend.ForLogIn(std::move(trace));
  auto made = parts_.sasl.NewSession(*mechanism, connection, log_in->backend.get());
  if (!made.ok()) {
    verdict.result = made.status();
    co_return verdict;
  }
  log_in->session = *std::move(made);
  const std::shared_ptr<sasl::ServerSession> session(log_in, log_in->session.get());
  std::optional<base::Secret> input;
  if (start.has_initial_response()) input.emplace(std::move(*start.mutable_initial_response()));
  for (;;) {
    absl::StatusOr<Outcome> step = co_await Step(session, std::move(input), start.facts().peer_address(), &verdict.attempt);
    verdict.name = session->name();
    if (!step.ok()) {
      verdict.result = step.status();
      co_return verdict;
    }
    if (v1::AuthenticateSuccess* success = std::get_if<v1::AuthenticateSuccess>(&*step)) {
      verdict.result = std::move(*success);
      co_return verdict;
    }
    if (writer == nullptr) {
      verdict.result = absl::InvalidArgumentError("a mechanism with a challenge, in a call that has room for none");
      co_return verdict;
    }
    v1::AuthenticateResponse response;
    response.set_challenge(std::move(std::get<sasl::ServerChallenge>(*step).data));
    absl::Status written = co_await writer->Write(std::move(response));
    if (!written.ok()) {
      verdict.result = written;
      co_return verdict;
    }
    absl::StatusOr<std::optional<v1::AuthenticateRequest>> next = co_await reader->Read();
    if (!next.ok() || !next->has_value()) {
      verdict.result = absl::CancelledError("the caller gave up");
      co_return verdict;
    }
    if ((*next)->step_case() != v1::AuthenticateRequest::kResponse) {
      verdict.result = absl::InvalidArgumentError("not a response");
      co_return verdict;
    }
    input.emplace(std::move(*(*next)->mutable_response()));
  }
}

// attempt is of the coroutine that awaits this one at once.
asio::awaitable<absl::StatusOr<AuthServiceImpl::Outcome>> AuthServiceImpl::Step(std::shared_ptr<sasl::ServerSession> session,
                                                                                std::optional<base::Secret> input,
                                                                                std::string peer,
                                                                                FailureLimiter::Attempt* attempt) {
  auto work = [this, session, input = std::move(input)] {
    return Located(session->Step(input ? std::optional<std::string_view>(input->Reveal()) : std::nullopt));
  };
  absl::StatusOr<Outcome> step = co_await service::OnPool(parts_.database_pool, std::move(work));
  if (!step.ok() || !std::holds_alternative<sasl::ServerHash>(*step)) co_return step;
  std::optional<FailureLimiter::Attempt> begun = parts_.limiter.Begin(peer);
  if (!begun) co_return absl::UnavailableError("too many log-ins are under way from this address, after failures");
  *attempt = *std::move(begun);
  auto hash = [this, session] { return Located(session->HashPassword()); };
  step = co_await service::OnPool(parts_.hash_pool, std::move(hash));
  co_return step;
}

// verdict is of the coroutine that awaits this one at once.
asio::awaitable<void> AuthServiceImpl::HoldBack(const Verdict* verdict, std::string peer) {
  const bool success = verdict->result.ok();
  absl::StatusOr<std::string> name = verdict->name;
  if (success) {
    name = verdict->result->address();
  } else {
    auto work = [this, given = verdict->name] { return resolver_.LoginName(given); };
    name = co_await service::OnPool(parts_.database_pool, std::move(work));
  }
  absl::Duration delay = parts_.limiter.OnResult(name.value_or(verdict->name), peer, success);
  parts_.metrics.auth_delay_seconds.Observe(absl::ToDoubleSeconds(delay));
  if (delay > absl::ZeroDuration()) co_await net::SleepFor(absl::ToChronoNanoseconds(delay));
}

// In the same visit to the pool as the step: each costs a wake-up there and one back.
absl::StatusOr<AuthServiceImpl::Outcome> AuthServiceImpl::Located(absl::StatusOr<sasl::ServerStep> step) const {
  if (!step.ok()) return step.status();
  if (auto* challenge = std::get_if<sasl::ServerChallenge>(&*step)) return Outcome(std::move(*challenge));
  if (const auto* success = std::get_if<sasl::ServerSuccess>(&*step)) {
    ASSIGN_OR_RETURN(v1::AuthenticateSuccess located, Locate(*success));
    return Outcome(std::move(located));
  }
  return Outcome(sasl::ServerHash{});
}

absl::StatusOr<v1::AuthenticateSuccess> AuthServiceImpl::Locate(const sasl::ServerSuccess& success) const {
  std::optional<AccountId> id = ParseAccountText(success.account_id);
  if (!id) return absl::InternalError("no account id");
  ASSIGN_OR_RETURN(std::optional<Resolver::Found> account, resolver_.FindAccountById(*id));
  // Deleted or disabled while the exchange went on.
  if (!account || account->record.disabled()) return absl::UnauthenticatedError("the account is gone");
  ASSIGN_OR_RETURN(auto shard, parts_.store.Find<storage::v1::DirectoryShardRecord>(Table::kShards, account->record.shard()));
  v1::AuthenticateSuccess found;
  found.set_account_id(success.account_id);
  found.set_address(account->record.address());
  found.set_shard(account->record.shard());
  if (shard) found.set_shard_endpoint(shard->endpoint());
  if (success.final_data) {
    found.set_final_data(*success.final_data);
    found.set_has_final_data(true);
  }
  return found;
}

// What the caller is told. Only two things are its client's fault; all else is ours, so temporary.
absl::Status AuthServiceImpl::Told(const absl::Status& status) const {
  switch (status.code()) {
    case absl::StatusCode::kOk: return status;
    case absl::StatusCode::kUnauthenticated: return BadCredentials();
    case absl::StatusCode::kInvalidArgument: return BadSasl("malformed or not offered");
    case absl::StatusCode::kCancelled: return status;
    default: return absl::UnavailableError("log-in is not possible at the moment");
  }
}

}  // namespace mailmesh::directory
