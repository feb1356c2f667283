// What happens before log-in: USER, PASS, AUTH (RFC 5034), STLS (RFC 2595, 4), CAPA (RFC 2449).
#include <algorithm>

#include "common/base/random.h"
#include "common/base/status.h"
#include "common/pop3/capability.h"
#include "common/pop3/replies.h"
#include "common/telemetry/log.h"
#include "common/text/ascii.h"
#include "services/pop3_gateway/session.h"
#include "services/pop3_gateway/status_to_pop3.h"

namespace mailmesh::pop3_gateway {
namespace {

namespace replies = pop3::replies;

// A look-up or a log-in of ours may take this long before the client is told to come again.
constexpr auto kLoginCallTimeout = std::chrono::seconds(30);

}  // namespace

auth::ConnectionFacts Session::Facts() const {
  return auth::FactsOf(stream_, type::v1::PROTOCOL_POP3, trace_);
}

Session::Result Session::On(pop3::User command) {
  if (in_transaction()) co_return SayAndGoOn(replies::kWrongState);
  if (!gateway_.authenticator.policy().MayLogIn(Facts())) co_return SayAndGoOn(replies::kEncryptionRequired);
  user_ = std::move(command.name);
  // The same for every name: nothing tells which ones exist.
  co_return SayAndGoOn(replies::kSendPass);
}

Session::Result Session::On(pop3::Pass command) {
  if (in_transaction() || user_.empty()) co_return SayAndGoOn(replies::kWrongState);
  std::string user = std::exchange(user_, "");
  auth::ConnectionFacts facts = Facts();
  const net::TimePoint deadline = net::After(kLoginCallTimeout);
  auth::Step step = co_await gateway_.authenticator.VerifyPlain(facts, user, std::move(command.password), deadline);
  co_return co_await Conclude(std::move(step), "USER");
}

// RFC 1939, 7: optional, and it needs the password in clear at the server. Not offered, so never asked for by a sane client.
Session::Result Session::On(pop3::Apop) { co_return SayAndGoOn(replies::kNotSupported); }

Session::Result Session::On(pop3::Auth command) {
  if (in_transaction()) co_return SayAndGoOn(replies::kWrongState);
  auth::ConnectionFacts facts = Facts();
  if (command.mechanism.empty()) {
    // The form before RFC 5034, which old clients still send: the list.
    Say(replies::kMechanismsFollow);
    for (const std::string& name : gateway_.authenticator.policy().Mechanisms(facts)) out_ += name + "\r\n";
    out_ += ".\r\n";
    co_return Next::kGoOn;
  }
  std::unique_ptr<auth::Exchange> exchange = gateway_.authenticator.NewExchange(facts);
  const net::TimePoint deadline = login_limit_;
  auth::Step step = co_await exchange->Start(command.mechanism, std::move(command.initial_response), deadline);
  lines_.set_max_line(pop3::kMaxAuthLine);
  while (const auto* challenge = std::get_if<auth::Challenge>(&step)) {
    pop3::AppendChallenge(challenge->data, out_);
    std::optional<base::LineReader::Framed> framed = co_await NextLine();
    if (!framed.has_value()) {
      exchange->Cancel();
      co_return Next::kClose;
    }
    pop3::AuthLine line;
    if (framed->outcome == base::LineReader::Outcome::kLine) line = pop3::ParseAuthLine(framed->line);
    if (line.kind != pop3::AuthLine::Kind::kResponse) {
      exchange->Cancel();
      lines_.set_max_line(pop3::kMaxCommandLine);
      co_return SayAndGoOn(line.kind == pop3::AuthLine::Kind::kCancel ? replies::kAuthCancelled : replies::kBadBase64);
    }
    step = co_await exchange->Respond(std::move(line.response), deadline);
  }
  lines_.set_max_line(pop3::kMaxCommandLine);
  co_return co_await Conclude(std::move(step), command.mechanism);
}

Session::Result Session::Conclude(auth::Step step, std::string_view mechanism) {
  if (const auto* failure = std::get_if<auth::Failure>(&step)) {
    const std::string_view reason = auth::FailureReasonName(failure->reason);
    gateway_.metrics.auth_attempts.With({"pop3", mechanism, reason}).Increment();
    telemetry::Info("log-in failed", {trace_, {"session_id", session_id_},
                                      {"peer", stream_.peer_address().ToString()},
                                      {"mechanism", mechanism},
                                      {"reason", reason},
                                      {"error", failure->detail}});
    Say(FailureToReply(failure->reason));
    if (failure->reason == auth::FailureReason::kTemporary) co_return Next::kGoOn;
    if (++failed_logins_ < gateway_.authenticator.policy().max_failures()) co_return Next::kGoOn;
    lingers_ = true;
    co_return Next::kClose;
  }
  const auth::Success success = std::get<auth::Success>(std::move(step));
  gateway_.metrics.auth_attempts.With({"pop3", mechanism, "success"}).Increment();
  if (!success.shard_endpoint.empty()) gateway_.shards->Learn(success.shard, success.shard_endpoint);
  const net::TimePoint deadline = net::After(kLoginCallTimeout);
  absl::StatusOr<std::shared_ptr<grpc::Channel>> store = co_await gateway_.shards->Channel(success.shard, deadline);
  absl::Status status = store.status();
  if (store.ok()) {
    Maildrop::Options options{success.account_id, trace_, gateway_.login_delay,
                              [handle = stream_.handle()] { handle.Interrupt(); }};
    auto maildrop = co_await Maildrop::Open(*store, std::move(options));
    status = maildrop.status();
    if (maildrop.ok()) maildrop_ = std::move(*maildrop);
  }
  if (!status.ok()) {
    telemetry::Info("maildrop not opened", {trace_, {"session_id", session_id_}, {"account", success.address}, {"error", base::Message(status)}});
    co_return SayAndGoOn(StatusToReply(status));
  }
  account_ = success.address;
  stream_.ExpiresAt(net::kNever);
  entry_.SetAccount(account_);
  entry_.SetState("transaction");
  gateway_.metrics.sessions.With({"unauth"}).Subtract();
  gateway_.metrics.sessions.With({"auth"}).Add();
  telemetry::Info("logged in", {trace_, {"session_id", session_id_},
                                {"account", account_},
                                {"peer", stream_.peer_address().ToString()},
                                {"mechanism", mechanism},
                                {"tls", stream_.is_tls()},
                                {"messages", static_cast<uint64_t>(maildrop_->count())}});
  co_return SayAndGoOn(replies::kLoggedIn);
}

Session::Result Session::On(pop3::Stls) {
  if (in_transaction()) co_return SayAndGoOn(replies::kWrongState);
  if (stream_.is_tls()) co_return SayAndGoOn(replies::kTlsActive);
  // RFC 6856, 2.1: not after UTF8.
  if (utf8_) co_return SayAndGoOn(replies::kWrongState);
  Say(replies::kBeginTls);
  // Whatever came with the command in plain text may be an attacker's: it is thrown away (as RFC 3207, 4.2 says for SMTP).
  reader_.DiscardAll();
  lines_.Reset();
  bool flushed = co_await Flush();
  if (!flushed) co_return Next::kClose;
  bool secured = co_await Handshake();
  if (!secured) co_return Next::kClose;
  user_.clear();
  entry_.SetTls(true);
  co_return Next::kGoOn;
}

Session::Result Session::On(pop3::Capa) {
  auth::ConnectionFacts facts = Facts();
  const auth::Policy& policy = gateway_.authenticator.policy();
  pop3::Capabilities capabilities;
  capabilities.top = true;
  capabilities.uidl = true;
  capabilities.pipelining = true;
  capabilities.resp_codes = true;
  capabilities.auth_resp_code = true;
  // RFC 6856: names and passwords may be UTF-8, too; the directory prepares them (RFC 4013).
  capabilities.utf8 = true;
  capabilities.utf8_user = true;
  capabilities.lang = true;
  capabilities.expire_never = true;
  if (gateway_.login_delay.count() > 0) {
    capabilities.login_delay = pop3::Period{static_cast<uint32_t>(gateway_.login_delay.count()), false};
  }
  capabilities.implementation = gateway_.implementation;
  // RFC 2595, 4: before log-in only. RFC 2449, 6.2 and 6.3: USER and SASL are the same in both states.
  capabilities.stls = !stream_.is_tls() && !in_transaction();
  if (policy.MayLogIn(facts)) {
    capabilities.user = true;
    capabilities.sasl = policy.Mechanisms(facts);
  }
  Say(replies::kCapabilitiesFollow);
  pop3::AppendCapabilities(capabilities, out_);
  co_return Next::kGoOn;
}

Session::Result Session::On(pop3::Utf8) {
  // RFC 6856, 2: in AUTHORIZATION only.
  if (in_transaction()) co_return SayAndGoOn(replies::kWrongState);
  utf8_ = true;
  co_return SayAndGoOn(replies::kUtf8Enabled);
}

// RFC 6856, 3.2: every text is in English, the one language to choose.
Session::Result Session::On(pop3::Lang command) {
  if (command.tag.empty()) {
    Say(replies::kLanguagesFollow);
    out_ += "en English\r\n.\r\n";
    co_return Next::kGoOn;
  }
  const bool english = command.tag == "*" || text::EqualsIgnoreAsciiCase(command.tag, "en");
  co_return SayAndGoOn(english ? replies::kLanguageEnglish : replies::kNoSuchLanguage);
}

}  // namespace mailmesh::pop3_gateway
