// The mail transaction (RFC 5321, 3.3): who may send what to whom, and the way of the content to those who keep it.
#include <chrono>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/base/random.h"
#include "common/base/status.h"
#include "common/smtp/replies.h"
#include "common/telemetry/log.h"
#include "services/smtp_ingress/delivery.h"
#include "services/smtp_ingress/session.h"
#include "services/smtp_ingress/status_to_smtp.h"
#include "services/smtp_ingress/trace.h"

namespace mailmesh::smtp_ingress {
namespace {

namespace replies = smtp::replies;
namespace server = smtp::server;

constexpr auto kLookupTimeout = std::chrono::seconds(15);

// RFC 5321, 4.1.3.
std::string AddressLiteral(const net::SocketAddress& peer) {
  if (peer.is_unix()) return "unix";
  const std::string text = peer.ip().ToString();
  return text.find(':') == std::string::npos ? absl::StrCat("[", text, "]") : absl::StrCat("[IPv6:", text, "]");
}

// The reply for a message that several recipients share: a good word if all is well, else what keeps the client trying.
smtp::Reply SummaryReply(const std::vector<absl::Status>& results, const std::string& id) {
  const absl::Status* worst = nullptr;
  for (const absl::Status& status : results) {
    if (status.ok()) continue;
    const bool temporary = StatusToReply(status).code < 500;
    if (worst == nullptr || (temporary && StatusToReply(*worst).code >= 500)) worst = &status;
  }
  if (worst == nullptr) return smtp::Reply(250, replies::kMessageAccepted.enhanced, absl::StrCat("Message accepted as ", id));
  return StatusToReply(*worst);
}

}  // namespace

void Session::DropTransaction() {
  body_.reset();
  envelope_.reset();
}

Session::Handled Session::On(server::MailReceived event) {
  if (IsSubmission(kind_) && account_id_.empty()) {
    Answer(smtp::Verb::kMail, replies::kAuthRequired);
    co_return;
  }
  if (!account_id_.empty()) {
    const std::string sender = event.mail.reverse_path.is_null() ? "" : event.mail.reverse_path.mailbox->ToString();
    const net::TimePoint deadline = net::After(kLookupTimeout);
    absl::StatusOr<bool> owned = co_await ingress_.lookups.CheckSender(account_id_, sender, deadline);
    if (!owned.ok() || !*owned) {
      Answer(smtp::Verb::kMail, owned.ok() ? replies::kSenderNotOwned : StatusToReply(owned.status()));
      co_return;
    }
  }
  correlation_id_ = base::NewIdText();
  envelope_ = std::make_unique<Envelope>(std::move(event.mail));
  Answer(smtp::Verb::kMail, replies::kSenderOk);
}

Session::Handled Session::On(server::RcptReceived event) {
  // RFC 5321, 4.1.1.3: <postmaster> without a domain is ours.
  std::string address = event.rcpt.forward_path.ToString();
  if (event.rcpt.forward_path.domain().empty()) address = absl::StrCat("postmaster@", ingress_.hostname);
  const net::TimePoint deadline = net::After(kLookupTimeout);
  auto resolution = co_await ingress_.lookups.ResolveRecipient(address, deadline);
  if (!resolution.ok()) {
    Answer(smtp::Verb::kRcpt, StatusToReply(resolution.status()));
    co_return;
  }
  // LMTP is the last hop for mail that somebody else has taken (RFC 2033, 1): nothing goes on from it.
  const smtp::CannedReply& reply = ResolutionToReply(resolution->kind(), !account_id_.empty());
  if (reply.code / 100 != 2) {
    telemetry::Info("recipient refused", {{"session_id", session_id_},
                                          {"correlation_id", correlation_id_},
                                          {"peer", stream_.peer_address().ToString()},
                                          {"recipient", address},
                                          {"code", static_cast<int64_t>(reply.code)}});
  } else {
    envelope_->Add(event.rcpt, address, *resolution);
  }
  Answer(smtp::Verb::kRcpt, reply);
}

Session::Handled Session::On(server::BeginContent) {
  body_ = std::make_unique<BodySink>(ingress_, *envelope_, correlation_id_);
  Answer(smtp::Verb::kData, replies::kStartMailInput);
  co_return;
}

Session::Handled Session::On(server::ContentReceived) { co_await body_->Append(machine_.TakeContent()); }

Session::Handled Session::On(server::ContentRefused) {
  ingress_.metrics.transactions.With({ListenerName(kind_), "rejected"}).Increment();
  machine_.content().clear();
  DropTransaction();
  co_return;
}

type::v1::SessionFacts Session::MessageFacts() const {
  type::v1::SessionFacts facts;
  facts.set_correlation_id(correlation_id_);
  facts.set_peer_address(stream_.peer_address().ToString());
  facts.set_helo(helo_);
  facts.set_protocol(ProtocolName(kind_ == ListenerKind::kLmtp, machine_.extended(), envelope_->mail().smtputf8,
                                  stream_.is_tls(), !account_id_.empty()));
  if (stream_.is_tls()) facts.set_tls(absl::StrCat(stream_.tls_info().version, " ", stream_.tls_info().cipher));
  facts.set_authenticated_account_id(account_id_);
  facts.mutable_received_time()->set_seconds(absl::ToUnixSeconds(absl::Now()));
  return facts;
}

std::string Session::ReceivedFieldFor(const type::v1::SessionFacts& facts) const {
  TraceFacts trace;
  trace.helo = facts.helo();
  trace.peer_literal = AddressLiteral(stream_.peer_address());
  trace.hostname = ingress_.hostname;
  trace.protocol = facts.protocol();
  trace.tls = facts.tls();
  trace.id = facts.correlation_id();
  if (envelope_->recipient_count() == 1) trace.single_recipient = envelope_->first_recipient();
  trace.unix_seconds = facts.received_time().seconds();
  return ReceivedField(trace);
}

net::Awaitable<std::vector<smtp::Reply>> Session::Store(uint64_t size) {
  const bool lmtp = kind_ == ListenerKind::kLmtp;
  std::vector<smtp::Reply> answers;
  // RFC 5321, 6.3: many Received fields mean a loop.
  if (body_->header().received_count() > ingress_.max_hops) {
    answers.assign(lmtp ? envelope_->recipient_count() : 1, replies::kRoutingLoop);
    co_return answers;
  }
  const auto start = net::Clock::now();
  co_await body_->Finish();
  type::v1::SessionFacts facts = MessageFacts();
  std::string received = ReceivedFieldFor(facts);
  DeliveryRequest request{*envelope_, *body_, std::move(facts), std::move(received), lmtp};
  std::vector<absl::Status> results = co_await Deliver(ingress_, std::move(request));
  const std::chrono::duration<double> took = net::Clock::now() - start;
  if (lmtp) {
    for (const absl::Status& status : results) {
      answers.push_back(status.ok() ? smtp::Reply(replies::kMessageAccepted) : smtp::Reply(StatusToReply(status)));
    }
  } else {
    answers.push_back(SummaryReply(results, correlation_id_));
  }
  const uint16_t code = answers.front().code;
  if (code < 300) {
    ingress_.metrics.commit_seconds.Observe(took.count());
    ingress_.metrics.message_size.With({ListenerName(kind_)}).Observe(static_cast<double>(size));
  }
  co_return answers;
}

Session::Handled Session::On(server::EndContent event) {
  if (!machine_.content().empty()) co_await body_->Append(machine_.TakeContent());
  std::vector<smtp::Reply> answers = co_await Store(event.size);
  const uint16_t code = answers.front().code;
  const std::string_view result = code < 300 ? "accepted" : code < 500 ? "deferred" : "rejected";
  ingress_.metrics.transactions.With({ListenerName(kind_), result}).Increment();
  telemetry::Info("message", {{"session_id", session_id_},
                              {"correlation_id", correlation_id_},
                              {"listener", ListenerName(kind_)},
                              {"peer", stream_.peer_address().ToString()},
                              {"account", account_},
                              {"from", envelope_->reverse_path()},
                              {"recipients", static_cast<uint64_t>(envelope_->recipient_count())},
                              {"size", event.size},
                              {"result", result},
                              {"code", static_cast<int64_t>(code)}});
  DropTransaction();
  for (const smtp::Reply& answer : answers) machine_.Answer(answer);
}

}  // namespace mailmesh::smtp_ingress
