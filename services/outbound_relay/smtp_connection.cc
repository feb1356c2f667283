#include "services/outbound_relay/smtp_connection.h"

#include <array>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/net/connect.h"
#include "common/net/spawn.h"
#include "common/smtp/replies.h"
#include "common/telemetry/log.h"

namespace mailmesh::outbound_relay {
namespace {

namespace client = smtp::client;
namespace replies = smtp::replies;
using directory::v1::TlsPolicy;

// Content is written when this much has gathered.
constexpr size_t kFlushAbove = 64 * 1024;

smtp::ClientOptions OptionsFor(const Relay& relay, const RouteAnswer& route) {
  smtp::ClientOptions options;
  options.protocol = route.lmtp ? smtp::Protocol::kLmtp : smtp::Protocol::kSmtp;
  options.name = relay.options.hostname;
  options.use_chunking = true;
  return options;
}

// A failure of ours: what the server has said is in the reply already otherwise.
smtp::Outcome LocalFailure(smtp::Stage stage, uint16_t code, smtp::EnhancedStatus enhanced, std::string text) {
  smtp::Outcome outcome;
  outcome.verdict = code >= 500 ? smtp::Verdict::kPermanent : smtp::Verdict::kTemporary;
  outcome.stage = stage;
  outcome.reply = smtp::Reply(code, enhanced, std::move(text));
  outcome.local = true;
  return outcome;
}

smtp::Outcome FromReply(smtp::Stage stage, const smtp::Reply& reply) {
  smtp::Outcome outcome;
  outcome.verdict = reply.IsPermanent() ? smtp::Verdict::kPermanent : smtp::Verdict::kTemporary;
  outcome.stage = stage;
  outcome.reply = reply;
  return outcome;
}

}  // namespace

SmtpConnection::SmtpConnection(Relay& relay, Server server, const RouteAnswer& route)
    : relay_(relay),
      server_(std::move(server)),
      policy_(route.tls),
      implicit_tls_(route.implicit_tls),
      credentials_(route.credentials),
      machine_(OptionsFor(relay, route)),
      idle_since_(net::Clock::now()),
      made_at_(idle_since_) {
  relay_.metrics.connections.Add();
}

SmtpConnection::~SmtpConnection() { relay_.metrics.connections.Subtract(); }

net::Awaitable<SmtpConnection::Opened> SmtpConnection::Open(Relay& relay, Server server, const RouteAnswer& route) {
  Opened opened;
  // Twice at most: with TLS, and in plain text if TLS failed and nobody insists on it.
  for (bool try_tls : {true, false}) {
    std::unique_ptr<SmtpConnection> connection(new SmtpConnection(relay, server, route));
    absl::Status status = co_await connection->MakeReady(try_tls);
    opened.connected = opened.connected || connection->stream_.is_open();
    if (status.ok()) {
      opened.connection = std::move(connection);
      co_return opened;
    }
    opened.failure = connection->failure_;
    // A password is not to be had by breaking TLS.
    const bool again = connection->tls_failed_ && !route.credentials.has_value();
    Leave(std::move(connection));
    if (!again) break;
  }
  co_return opened;
}

net::Awaitable<absl::Status> SmtpConnection::MakeReady(bool try_tls) {
  absl::Status status = co_await Connect();
  if (status.ok() && implicit_tls_) status = co_await SecureIt();
  if (status.ok()) status = co_await Begin(try_tls);
  if (status.ok()) status = co_await LogIn();
  if (status.ok()) NoteTls();
  co_return status;
}

void SmtpConnection::FailLocally(smtp::Stage stage, smtp::EnhancedStatus enhanced, std::string text) {
  failure_ = LocalFailure(stage, 451, enhanced, std::move(text));
}

net::Awaitable<absl::Status> SmtpConnection::Connect() {
  net::ConnectOptions options;
  options.per_address = relay_.options.connect_timeout;
  absl::StatusOr<net::Stream> stream = co_await net::Connect(server_.address, options);
  if (!stream.ok()) {
    FailLocally(smtp::Stage::kConnect, {4, 4, 1}, absl::StrCat("Cannot connect to ", server_.host, ": ", stream.status().message()));
    co_return stream.status();
  }
  stream_ = std::move(*stream);
  reader_ = std::make_unique<net::BufferedReader>(stream_);
  co_return absl::OkStatus();
}

net::Awaitable<absl::Status> SmtpConnection::Flush() {
  if (machine_.output().empty()) co_return absl::OkStatus();
  std::string octets = std::move(machine_.output());
  machine_.output().clear();
  absl::Status status = co_await stream_.Write(octets);
  write_failed_ = !status.ok();
  co_return status;
}

net::Awaitable<absl::StatusOr<client::Event>> SmtpConnection::NextEvent(net::Duration limit) {
  absl::StatusOr<client::Event> event = co_await AwaitEvent(limit);
  stream_.ExpiresAt(net::kNever);
  co_return event;
}

net::Awaitable<absl::StatusOr<client::Event>> SmtpConnection::AwaitEvent(net::Duration limit) {
  stream_.ExpiresAfter(limit);
  stream_.ExpiresAt(net::After(limit));
  for (uint64_t replies = machine_.replies();;) {
    client::Event event = machine_.Next(input_);
    if (!std::holds_alternative<client::NeedInput>(event)) co_return event;
    // RFC 5321, 4.5.3.2: the times are those of each command, and a group of them is sent at once.
    if (machine_.replies() != replies) {
      replies = machine_.replies();
      stream_.ExpiresAt(net::After(limit));
    }
    reader_->Consume(reader_->data().size() - input_.size());
    input_ = {};
    absl::Status flushed = co_await Flush();
    if (!flushed.ok()) co_return flushed;
    absl::StatusOr<size_t> filled = co_await reader_->Fill();
    if (!filled.ok()) co_return filled.status();
    if (*filled == 0) co_return absl::UnavailableError("the server closed the connection");
    input_ = reader_->data();
  }
}

net::Awaitable<absl::Status> SmtpConnection::Begin(bool try_tls) {
  smtp::Stage stage = smtp::Stage::kConnect;
  absl::StatusOr<client::Event> event = co_await NextEvent(relay_.options.command_timeout);
  for (;;) {
    if (!event.ok()) {
      FailLocally(stage, {4, 4, 2}, absl::StrCat(server_.host, ": ", event.status().message()));
      co_return event.status();
    }
    const smtp::Reply* refusal = nullptr;
    if (const auto* greeted = std::get_if<client::Greeted>(&*event)) {
      if (greeted->reply.IsPositive()) {
        stage = smtp::Stage::kHello;
        CO_RETURN_IF_ERROR(machine_.Hello());
      } else {
        refusal = &greeted->reply;
      }
    } else if (const auto* hello = std::get_if<client::HelloDone>(&*event)) {
      if (!hello->reply.IsPositive()) {
        refusal = &hello->reply;
      } else if (stream_.is_tls() || policy_ == directory::v1::TLS_POLICY_NONE ||
                 (!machine_.offer().Has(smtp::Extension::kStartTls) && policy_ < directory::v1::TLS_POLICY_REQUIRED) || !try_tls) {
        co_return absl::OkStatus();
      } else if (!machine_.offer().Has(smtp::Extension::kStartTls)) {
        FailLocally(smtp::Stage::kStartTls, {4, 7, 4}, absl::StrCat(server_.host, " offers no TLS, which the route requires"));
        co_return absl::FailedPreconditionError("no TLS");
      } else {
        stage = smtp::Stage::kStartTls;
        // Whatever goes wrong from here on until TLS is there.
        tls_failed_ = policy_ < directory::v1::TLS_POLICY_REQUIRED;
        CO_RETURN_IF_ERROR(machine_.StartTls());
      }
    } else if (const auto* tls = std::get_if<client::StartTlsDone>(&*event)) {
      if (!tls->reply.IsPositive()) {
        refusal = &tls->reply;
      } else {
        absl::Status secured = co_await SecureIt();
        if (!secured.ok()) co_return secured;
        machine_.TlsEstablished();
        tls_failed_ = false;
        stage = smtp::Stage::kHello;
        CO_RETURN_IF_ERROR(machine_.Hello());
      }
    } else if (const auto* closed = std::get_if<client::Closed>(&*event)) {
      refusal = &closed->reply;
    } else if (const auto* failed = std::get_if<client::Failed>(&*event)) {
      refusal = &failed->reply;
    }
    if (refusal != nullptr) {
      failure_ = FromReply(stage, *refusal);
      // RFC 5321, 4.2.4.2: a host that has no SMTP service (554 greeting, 5yz to EHLO) is not the last word on a domain: others of
      // its hosts may take the mail, and it may be a mistake of today.
      if (failure_.verdict == smtp::Verdict::kPermanent && stage != smtp::Stage::kConnect) failure_.verdict = smtp::Verdict::kTemporary;
      co_return absl::UnavailableError(refusal->ToString());
    }
    event = co_await NextEvent(relay_.options.command_timeout);
  }
}

net::Awaitable<absl::Status> SmtpConnection::SecureIt() {
  // RFC 3207, 4.2: what came before the handshake is forgotten.
  reader_->DiscardAll();
  input_ = {};
  net::TlsPeer peer;
  peer.name = server_.host;
  peer.verify = policy_ == directory::v1::TLS_POLICY_VERIFIED ? net::TlsVerify::kRequired : net::TlsVerify::kOpportunistic;
  stream_.ExpiresAt(net::After(relay_.options.connect_timeout));
  std::shared_ptr<const net::TlsClientContext> context = relay_.tls;
  absl::Status status = co_await stream_.StartTlsClient(context, peer);
  stream_.ExpiresAt(net::kNever);
  if (!status.ok()) {
    FailLocally(smtp::Stage::kStartTls, {4, 7, 5}, absl::StrCat("TLS with ", server_.host, " failed: ", status.message()));
    co_return status;
  }
  co_return absl::OkStatus();
}

void SmtpConnection::NoteTls() {
  const char* level = !stream_.is_tls() ? "plain" : stream_.tls_info().verified ? "verified" : "opportunistic";
  relay_.metrics.tls.With({level}).Increment();
}

net::Awaitable<absl::Status> SmtpConnection::SendBody(BodyReader& body) {
  stream_.ExpiresAfter(relay_.options.data_timeout);
  for (;;) {
    absl::StatusOr<std::string> octets = co_await body.Next();
    if (!octets.ok()) {
      content_failed_ = true;
      co_return octets.status();
    }
    if (octets->empty()) break;
    CO_RETURN_IF_ERROR(machine_.SendContent(*octets));
    // A small message goes out as a whole, with its end: each piece of its own would cost both sides a turn.
    if (machine_.output().size() < kFlushAbove) continue;
    absl::Status flushed = co_await Flush();
    if (!flushed.ok()) co_return flushed;
    // RFC 5321, 4.5.3.1.9: a server may have had enough in the middle of it, and may hang up then.
    Overhear();
    if (machine_.closed()) co_return absl::OkStatus();
    if (machine_.content_refused()) break;
  }
  co_return machine_.EndContent();
}

void SmtpConnection::Overhear() {
  // Whatever event comes of it ends the transaction, and outcomes() have it.
  while (!input_.empty()) {
    if (!std::holds_alternative<client::NeedInput>(machine_.Next(input_))) return;
  }
  std::array<char, 1024> octets;
  for (;;) {
    const absl::StatusOr<std::optional<size_t>> read = stream_.TryRead(octets);
    if (!read.ok() || !read->has_value() || **read == 0) return;
    std::string_view heard(octets.data(), **read);
    while (!heard.empty()) {
      if (!std::holds_alternative<client::NeedInput>(machine_.Next(heard))) return;
    }
  }
}

net::Awaitable<std::vector<smtp::Outcome>> SmtpConnection::Send(smtp::Transaction transaction, BodyReader& body) {
  ++messages_sent_;
  const size_t recipients = transaction.recipients.size();
  absl::Status status = machine_.Begin(std::move(transaction));
  if (!status.ok()) {
    // The machine's outcomes are of the message before this one.
    broken_ = true;
    co_return std::vector<smtp::Outcome>(recipients, LocalFailure(smtp::Stage::kMail, 451, {4, 3, 0}, std::string(status.message())));
  }
  while (status.ok()) {
    const net::Duration limit = machine_.in_doubt() ? relay_.options.data_timeout : relay_.options.command_timeout;
    absl::StatusOr<client::Event> event = co_await NextEvent(limit);
    status = event.status();
    if (!event.ok()) break;
    if (std::holds_alternative<client::SendContent>(*event)) {
      status = co_await SendBody(body);
      if (machine_.closed()) break;
    } else if (std::holds_alternative<client::TransactionDone>(*event) || std::holds_alternative<client::Failed>(*event) ||
               std::holds_alternative<client::Closed>(*event)) {
      break;
    }
  }
  if (!status.ok()) {
    broken_ = true;
    // Its last words, unread because a write failed.
    if (!content_failed_) Overhear();
    machine_.ConnectionLost(content_failed_ ? smtp::Reply(451, {4, 3, 0}, "The message cannot be read now")
                                            : smtp::Reply(451, {4, 4, 2}, absl::StrCat(server_.host, ": ", status.message())));
  }
  idle_since_ = net::Clock::now();
  std::vector<smtp::Outcome> outcomes = machine_.outcomes();
  // Whatever is not decided is not delivered.
  outcomes.resize(recipients, LocalFailure(smtp::Stage::kMail, 451, {4, 4, 2}, "No outcome"));
  for (smtp::Outcome& outcome : outcomes) {
    if (outcome.verdict == smtp::Verdict::kPending) outcome = LocalFailure(smtp::Stage::kMail, 451, {4, 4, 2}, "Connection lost");
    // An end that could not be written whole is none that the server has seen.
    if (write_failed_ && outcome.local && outcome.stage == smtp::Stage::kEnd) outcome.stage = smtp::Stage::kContent;
  }
  if (machine_.closed()) broken_ = true;
  co_return outcomes;
}

bool SmtpConnection::StillIdle() {
  // After a reply too many the next message's would be taken for one another.
  if (!input_.empty()) return false;
  char octet;
  const auto read = stream_.TryRead(std::span<char>(&octet, 1));
  return read.ok() && !read->has_value();
}

net::Awaitable<void> SmtpConnection::Quit() {
  if (broken_ || !stream_.is_open()) co_return;
  if (machine_.Quit().ok()) {
    // RFC 5321, 4.1.1.10: the reply is waited for, but not for long: the mail is done.
    [[maybe_unused]] absl::StatusOr<client::Event> event = co_await NextEvent(std::chrono::seconds(5));
  }
  stream_.Close();
}

net::Awaitable<void> SmtpConnection::QuitAndClose(std::unique_ptr<SmtpConnection> connection) { co_await connection->Quit(); }

void SmtpConnection::Leave(std::unique_ptr<SmtpConnection> connection) {
  if (!connection->stream_.is_open()) return;
  net::Executor executor = connection->stream_.executor();
  net::Spawn(std::move(executor), QuitAndClose(std::move(connection)), "smtp-quit");
}

}  // namespace mailmesh::outbound_relay
