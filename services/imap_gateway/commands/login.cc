// What happens before log-in: LOGIN, AUTHENTICATE (RFC 3501, 6.2.2; RFC 4959), STARTTLS.
#include "common/base/bytes.h"
#include "common/base/status.h"
#include "common/telemetry/log.h"
#include "services/imap_gateway/capabilities.h"
#include "services/imap_gateway/session.h"
#include "services/imap_gateway/store_calls.h"

namespace mailmesh::imap_gateway {
namespace {

using imap::Code;
using imap::Condition;

// A look-up or a log-in of ours may take this long before the client is told to come again.
constexpr auto kLoginCallTimeout = std::chrono::seconds(30);

// Lines and literals of a command together, in lines.
constexpr size_t kLinesInCommand = 4;

// RFC 7888, 5 (LITERAL-).
constexpr uint64_t kLiteralMinus = 4096;

imap::CommandReader::Limits LoggedInLimits(const Gateway& gateway) {
  imap::CommandReader::Limits limits;
  limits.max_line = gateway.max_line_bytes;
  limits.max_literal = gateway.max_line_bytes;
  limits.max_command = kLinesInCommand * gateway.max_line_bytes;
  if (gateway.literal_minus) limits.max_non_synchronizing = kLiteralMinus;
  return limits;
}

std::optional<base::Secret> DecodeBase64(std::string_view text) {
  std::optional<std::string> decoded = base::Base64Decode(text);
  if (!decoded.has_value()) return std::nullopt;
  return base::Secret(std::move(*decoded));
}

}  // namespace

auth::ConnectionFacts Session::Facts() const {
  return auth::FactsOf(stream_, type::v1::PROTOCOL_IMAP, trace_);
}

std::vector<std::string> Session::CapabilityWords() const {
  CapabilityFacts facts;
  facts.tls = stream_.is_tls();
  facts.logged_in = store_ != nullptr;
  facts.literal_minus = gateway_.literal_minus;
  facts.append_limit = gateway_.max_append_bytes;
  if (!facts.logged_in) {
    const auth::ConnectionFacts connection = Facts();
    facts.may_log_in = gateway_.authenticator.policy().MayLogIn(connection);
    facts.mechanisms = gateway_.authenticator.policy().Mechanisms(connection);
  }
  return Capabilities(facts);
}

Session::Result Session::On(imap::Login command) {
  auth::ConnectionFacts facts = Facts();
  const net::TimePoint deadline = net::After(kLoginCallTimeout);
  if (!gateway_.authenticator.policy().MayLogIn(facts)) {
    // RFC 3501, 6.2.3: LOGINDISABLED was said.
    gateway_.metrics.auth_attempts.With({"imap", "LOGIN", "tls_required"}).Increment();
    co_return Refuse(FailureToRefusal(auth::FailureReason::kTlsRequired));
  }
  auth::Step step = co_await gateway_.authenticator.VerifyPlain(facts, std::move(command.user),
                                                                std::move(command.password), deadline);
  co_return co_await Conclude(std::move(step), "LOGIN");
}

Session::Result Session::On(imap::Authenticate command) {
  std::optional<base::Secret> initial;
  if (command.initial_response.has_value()) {
    initial = DecodeBase64(command.initial_response->Reveal());
    if (!initial.has_value()) co_return Bad("Invalid base64.");
  }
  std::unique_ptr<auth::Exchange> exchange = gateway_.authenticator.NewExchange(Facts());
  const net::TimePoint deadline = login_limit_;
  auth::Step step = co_await exchange->Start(command.mechanism, std::move(initial), deadline);
  while (const auto* challenge = std::get_if<auth::Challenge>(&step)) {
    imap::AppendContinuation(out_, base::Base64Encode(challenge->data));
    std::optional<imap::CommandReader::Event> line = co_await NextLine();
    if (!line.has_value() || line->kind == imap::CommandReader::Kind::kFatal) {
      exchange->Cancel();
      // RFC 3501, 3.4: the server says BYE before it closes. Where there is no line that has been done, or nobody is there.
      if (line.has_value()) Bye(Code::kNone, "Too much to skip.");
      co_return Next::kClose;
    }
    std::optional<base::Secret> response;
    const bool cancelled = line->text == "*";
    if (line->kind == imap::CommandReader::Kind::kLine && !cancelled) response = DecodeBase64(line->text);
    if (!response.has_value()) {
      exchange->Cancel();
      co_return Bad(cancelled ? "Authentication cancelled." : "Invalid base64.");
    }
    step = co_await exchange->Respond(std::move(*response), deadline);
  }
  co_return co_await Conclude(std::move(step), command.mechanism);
}

Session::Result Session::Conclude(auth::Step step, std::string_view mechanism) {
  if (const auto* failure = std::get_if<auth::Failure>(&step)) {
    const std::string_view reason = auth::FailureReasonName(failure->reason);
    gateway_.metrics.auth_attempts.With({"imap", mechanism, reason}).Increment();
    telemetry::Info("log-in failed", {trace_, {"session_id", session_id_},
                                      {"peer", stream_.peer_address().ToString()},
                                      {"mechanism", mechanism},
                                      {"reason", reason},
                                      {"error", failure->detail}});
    Refuse(FailureToRefusal(failure->reason));
    if (failure->reason == auth::FailureReason::kTemporary) co_return Next::kGoOn;
    if (++failed_logins_ < gateway_.authenticator.policy().max_failures()) co_return Next::kGoOn;
    imap::AppendStatus(out_, tag_, condition_, code_, text_);
    replied_ = true;
    Bye(Code::kNone, "Too many failed log-ins.");
    co_return Next::kClose;
  }
  const auth::Success success = std::get<auth::Success>(std::move(step));
  gateway_.metrics.auth_attempts.With({"imap", mechanism, "success"}).Increment();
  if (!success.shard_endpoint.empty()) gateway_.shard_map->Learn(success.shard, success.shard_endpoint);
  store_ = std::make_unique<StoreCalls>(gateway_.shards->Get(success.shard), success.account_id, trace_);
  account_ = success.address;
  stream_.ExpiresAt(net::kNever);
  commands_.set_limits(LoggedInLimits(gateway_));
  entry_.SetAccount(account_);
  SetState(SessionState::kAuthenticated);
  telemetry::Info("logged in", {trace_, {"session_id", session_id_},
                                {"account", account_},
                                {"peer", stream_.peer_address().ToString()},
                                {"mechanism", mechanism},
                                {"tls", stream_.is_tls()}});
  const std::vector<std::string> words = CapabilityWords();
  const std::vector<std::string_view> views(words.begin(), words.end());
  co_return Ok(imap::ResponseCode::Capability(views), "Logged in.");
}

Session::Result Session::On(imap::StartTls) {
  if (stream_.is_tls()) co_return Bad("TLS is active already.");
  imap::AppendStatus(out_, tag_, Condition::kOk, {}, "Begin TLS negotiation now.");
  replied_ = true;
  // RFC 3501, 6.2.1 and RFC 3207, 4.2: whatever came with the command in plain text may be an attacker's.
  reader_.DiscardAll();
  commands_ = imap::CommandReader(imap::CommandReader::UnauthenticatedLimits());
  bool flushed = co_await Flush();
  if (!flushed) co_return Next::kClose;
  bool secured = co_await Handshake();
  if (!secured) co_return Next::kClose;
  entry_.SetTls(true);
  Ok("");
  co_return Next::kGoOn;
}

}  // namespace mailmesh::imap_gateway
