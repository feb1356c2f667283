// The mail transaction (RFC 5321, 3.3): who may send what to whom, and the way of the content to those who keep it.
#include <chrono>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/base/status.h"
#include "common/mime/compose.h"
#include "common/mime/date.h"
#include "common/net/proxy_accept.h"
#include "common/smtp/replies.h"
#include "common/telemetry/log.h"
#include "common/text/ascii.h"
#include "services/smtp_ingress/delivery.h"
#include "services/smtp_ingress/session.h"
#include "services/smtp_ingress/status_to_smtp.h"
#include "services/smtp_ingress/trace.h"

namespace mailmesh::smtp_ingress {
namespace {

namespace replies = smtp::replies;
namespace server = smtp::server;

constexpr auto kLookupTimeout = std::chrono::seconds(15);

constexpr smtp::CannedReply kNotQualified = {553, {5, 1, 2}, "Domain name is not fully qualified"};

// RFC 5321, 2.3.5: a name that only a client's own network may know.
bool IsUnqualified(const smtp::Mailbox& mailbox) {
  return !mailbox.is_address_literal() && std::string_view(mailbox.domain()).find('.') == std::string_view::npos;
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
  completion_.reset();
  body_.reset();
  envelope_.reset();
}

Session::Handled Session::On(server::MailReceived event) {
  // A load balancer's own connection: nothing that a message could be traced to.
  if (net::IsNobody(stream_.peer_address())) {
    Answer(smtp::Verb::kMail, replies::kNoService);
    co_return;
  }
  if (IsSubmission(kind_) && account_id_.empty()) {
    Answer(smtp::Verb::kMail, replies::kAuthRequired);
    co_return;
  }
  if (!account_id_.empty()) {
    const std::string sender = event.mail.reverse_path.is_null() ? "" : event.mail.reverse_path.mailbox->ToString();
    const net::TimePoint deadline = net::After(kLookupTimeout);
    absl::StatusOr<bool> owned = co_await ingress_.lookups.CheckSender(account_id_, sender, deadline, trace_);
    if (!owned.ok() || !*owned) {
      Answer(smtp::Verb::kMail, owned.ok() ? replies::kSenderNotOwned : StatusToReply(owned.status()));
      co_return;
    }
  }
  if (!ingress_.limits->TakeMessage(ForLimits())) {
    Answer(smtp::Verb::kMail, replies::kRateLimited);
    co_return;
  }
  trace_ = telemetry::Trace::New();
  envelope_ = std::make_unique<Envelope>(std::move(event.mail));
  Answer(smtp::Verb::kMail, replies::kSenderOk);
}

// RFC 5321, 4.1.1.3: <postmaster> without a domain is ours; the directory knows whose it is. RFC 5321, 4.1.3: so is a literal
// of the address that the client has reached us by.
std::string Session::RecipientAddress(const smtp::Mailbox& forward_path) const {
  const net::SocketAddress& here = stream_.local_address();
  if (!forward_path.is_address_literal() || here.is_unix() ||
      !text::EqualsIgnoreAsciiCase(forward_path.domain(), here.ip().ToAddressLiteral())) {
    return forward_path.ToString();
  }
  if (forward_path.IsPostmaster()) return smtp::Mailbox::Postmaster().ToString();
  const std::optional<smtp::Mailbox> named = smtp::Mailbox::FromParts(forward_path.local_part(), ingress_.hostname);
  return named ? named->ToString() : forward_path.ToString();
}

Session::Handled Session::On(server::RcptReceived event) {
  if (!ingress_.limits->TakeRecipient(ForLimits())) {
    Answer(smtp::Verb::kRcpt, replies::kRecipientsLimited);
    co_return;
  }
  const std::string address = RecipientAddress(event.rcpt.forward_path);
  const net::TimePoint deadline = net::After(kLookupTimeout);
  auto resolution = co_await ingress_.lookups.ResolveRecipient(address, deadline, trace_);
  if (!resolution.ok()) {
    Answer(smtp::Verb::kRcpt, StatusToReply(resolution.status()));
    co_return;
  }
  // LMTP is the last hop for mail that somebody else has taken (RFC 2033, 1): nothing goes on from it.
  const bool nowhere = resolution->kind() == directory::v1::RecipientResolution::KIND_REMOTE && IsUnqualified(event.rcpt.forward_path);
  const bool may_relay = !account_id_.empty();
  const smtp::CannedReply& reply = nowhere && may_relay ? kNotQualified : ResolutionToReply(resolution->kind(), may_relay);
  if (reply.code / 100 != 2) {
    telemetry::Info("recipient refused", {trace_, {"session_id", session_id_},
                                          {"peer", stream_.peer_address().ToString()},
                                          {"recipient", address},
                                          {"code", static_cast<int64_t>(reply.code)}});
    const bool unknown = resolution->kind() == directory::v1::RecipientResolution::KIND_UNKNOWN_USER;
    if (unknown && !ingress_.limits->TakeUnknownRecipient(ForLimits())) {
      Answer(smtp::Verb::kRcpt, replies::kTooManyUnknown);  // 421: the machine closes
      co_return;
    }
  } else {
    envelope_->Add(event.rcpt, address, *resolution);
  }
  Answer(smtp::Verb::kRcpt, reply);
}

Session::Handled Session::On(server::BeginContent) {
  body_ = std::make_unique<BodySink>(ingress_, *envelope_, trace_, kind_ == ListenerKind::kLmtp);
  completion_ = NewCompletion();
  Answer(smtp::Verb::kData, replies::kStartMailInput);
  co_return;
}

// RFC 6409, 8: here alone is a message changed.
std::unique_ptr<Completion> Session::NewCompletion() const {
  const config::v1::CompletionConfig& config = ingress_.completion;
  if (!IsSubmission(kind_) || (!config.add_missing_fields() && !config.drop_bcc())) return nullptr;
  CompletionOptions options;
  options.add_missing_fields = config.add_missing_fields();
  options.drop_bcc = config.drop_bcc();
  mime::DateTime now;
  now.unix_seconds = absl::ToUnixSeconds(absl::Now());
  options.date = mime::FormatDateTime(now);
  options.message_id = mime::NewMessageId(ingress_.hostname);
  return std::make_unique<Completion>(std::move(options));
}

net::Awaitable<void> Session::TakeContent() {
  std::string octets = machine_.TakeContent();
  if (completion_ != nullptr) octets = completion_->Feed(octets);
  if (!octets.empty()) co_await body_->Append(std::move(octets));
}

void Session::NoteCompletion() {
  const auto count = [this](std::string_view change, size_t times) {
    if (times > 0) ingress_.metrics.completed.With({change}).Increment(static_cast<double>(times));
  };
  count("date", completion_->added_date() ? 1 : 0);
  count("message_id", completion_->added_message_id() ? 1 : 0);
  count("bcc", completion_->dropped_fields());
}

Session::Handled Session::On(server::ContentReceived) { co_await TakeContent(); }

Session::Handled Session::On(server::ContentRefused) {
  ingress_.metrics.transactions.With({ListenerName(kind_), "rejected"}).Increment();
  machine_.content().clear();
  DropTransaction();
  co_return;
}

type::v1::SessionFacts Session::MessageFacts() const {
  type::v1::SessionFacts facts;
  facts.set_correlation_id(trace_.trace_id);
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
  trace.peer_literal = stream_.peer_address().is_unix() ? "unix" : stream_.peer_address().ip().ToAddressLiteral();
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
  DeliveryRequest request{*envelope_, *body_, std::move(facts), std::move(received), trace_, lmtp};
  std::vector<absl::Status> results = co_await Deliver(ingress_, std::move(request));
  const std::chrono::duration<double> took = net::Clock::now() - start;
  if (lmtp) {
    for (const absl::Status& status : results) {
      answers.push_back(status.ok() ? smtp::Reply(replies::kMessageAccepted) : smtp::Reply(StatusToReply(status)));
    }
  } else {
    answers.push_back(SummaryReply(results, trace_.trace_id));
  }
  const uint16_t code = answers.front().code;
  if (code < 300) {
    ingress_.metrics.commit_seconds.Observe(took.count());
    ingress_.metrics.message_size.With({ListenerName(kind_)}).Observe(static_cast<double>(size));
  }
  co_return answers;
}

Session::Handled Session::On(server::EndContent event) {
  co_await TakeContent();
  if (completion_ != nullptr) {
    std::string rest = completion_->Finish();
    if (!rest.empty()) co_await body_->Append(std::move(rest));
    NoteCompletion();
  }
  std::vector<smtp::Reply> answers = co_await Store(event.size);
  const uint16_t code = answers.front().code;
  const std::string_view result = code < 300 ? "accepted" : code < 500 ? "deferred" : "rejected";
  ingress_.metrics.transactions.With({ListenerName(kind_), result}).Increment();
  telemetry::Info("message", {trace_, {"session_id", session_id_},
                              {"listener", ListenerName(kind_)},
                              {"peer", stream_.peer_address().ToString()},
                              {"account", account_},
                              {"from", envelope_->reverse_path()},
                              {"recipients", static_cast<uint64_t>(envelope_->recipient_count())},
                              {"size", event.size},
                              {"result", result},
                              {"code", static_cast<int64_t>(code)}});
  DropTransaction();
  transaction_limit_ = net::After(ingress_.transaction_timeout);
  for (const smtp::Reply& answer : answers) machine_.Answer(answer);
}

}  // namespace mailmesh::smtp_ingress
