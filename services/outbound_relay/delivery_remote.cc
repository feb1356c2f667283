#include <chrono>

#include "absl/strings/str_cat.h"
#include "common/base/random.h"
#include "common/base/status.h"
#include "common/smtp/address.h"
#include "common/smtp/dsn.h"
#include "services/outbound_relay/delivery.h"
#include "services/outbound_relay/fit_to_offer.h"

namespace mailmesh::outbound_relay {
namespace {

smtp::Outcome Failure(const smtp::Reply& reply) {
  smtp::Outcome outcome;
  outcome.verdict = reply.IsPermanent() ? smtp::Verdict::kPermanent : smtp::Verdict::kTemporary;
  outcome.stage = smtp::Stage::kConnect;
  outcome.reply = reply;
  outcome.local = true;
  return outcome;
}

smtp::Notify ToNotify(const storage::v1::StoredQueueRecipient& recipient) {
  return {recipient.notify_never(), recipient.notify_success(), recipient.notify_failure(), recipient.notify_delay()};
}

// Nothing: an address that cannot be written on the wire (it was checked when the message came in).
std::optional<smtp::Transaction> MakeTransaction(const Attempt& attempt) {
  const Item& item = *attempt.item;
  smtp::AddressOptions addresses;
  addresses.utf8 = true;
  smtp::Transaction transaction;
  if (!item.reverse_path().empty()) {
    transaction.mail.reverse_path.mailbox = smtp::ParseMailbox(item.reverse_path(), addresses);
    if (!transaction.mail.reverse_path.mailbox.has_value()) return std::nullopt;
  }
  transaction.mail.size = item.trace_fields().size() + item.body_bytes();
  if (item.eight_bit()) transaction.mail.body = smtp::Body::k8BitMime;
  transaction.mail.smtputf8 = item.smtputf8();
  if (item.dsn_return() != 0) transaction.mail.ret = item.dsn_return() == 2 ? smtp::Ret::kHeaders : smtp::Ret::kFull;
  if (!item.envelope_id().empty()) transaction.mail.envid = item.envelope_id();
  for (const int index : attempt.recipients) {
    const auto& recipient = item.recipients(index);
    std::optional<smtp::Mailbox> mailbox = smtp::ParseMailbox(recipient.forward_path(), addresses);
    if (!mailbox.has_value()) return std::nullopt;
    smtp::Rcpt rcpt;
    rcpt.forward_path = std::move(*mailbox);
    rcpt.notify = ToNotify(recipient);
    if (const size_t semicolon = recipient.original_recipient().find(';'); semicolon != std::string::npos) {
      rcpt.orcpt = smtp::OriginalRecipient{recipient.original_recipient().substr(0, semicolon),
                                           recipient.original_recipient().substr(semicolon + 1)};
    }
    transaction.recipients.push_back(std::move(rcpt));
  }
  return transaction;
}

// A way that an operator has set for this message.
RouteAnswer Rerouted(const Item& item) {
  directory::v1::Route route;
  route.add_next_hops(item.reroute_next_hop());
  route.set_tls_policy(static_cast<directory::v1::TlsPolicy>(item.reroute_tls_policy()));
  return FromRoute(route);
}

// What a connection is kept under: a message with a way of its own, and a TLS policy of its own, shares none with others.
std::string LaneKey(const Attempt& attempt) {
  if (attempt.item->reroute_next_hop().empty()) return attempt.destination;
  return absl::StrCat(attempt.destination, " ", attempt.item->reroute_tls_policy());
}

struct Connecting {
  std::unique_ptr<SmtpConnection> connection;  // null: `failure` says why there is none
  smtp::Outcome failure;
  Contact contact = Contact::kReached;
};

net::Awaitable<Connecting> GetConnection(Relay& relay, Lane& lane, const Attempt& attempt) {
  Connecting result;
  result.connection = lane.TakeIdle(LaneKey(attempt));
  if (result.connection != nullptr) co_return result;
  const auto start = net::Clock::now();
  RouteAnswer route;
  if (attempt.item->reroute_next_hop().empty()) {
    route = co_await FindRoute(relay, attempt.destination);
  } else {
    route = Rerouted(*attempt.item);
  }
  const std::chrono::duration<double> routed = net::Clock::now() - start;
  relay.metrics.stage_seconds.With({"route"}).Observe(routed.count());
  if (route.failure.has_value()) {
    result.failure = Failure(*route.failure);
    // What the DNS says for good is no fault of a server.
    result.contact = route.failure->IsPermanent() ? Contact::kNone : Contact::kUnreachable;
    co_return result;
  }
  const auto connecting = net::Clock::now();
  SmtpConnection::Opened opened = co_await SmtpConnection::Open(relay, std::move(route));
  const std::chrono::duration<double> connected = net::Clock::now() - connecting;
  relay.metrics.stage_seconds.With({"connect"}).Observe(connected.count());
  result.connection = std::move(opened.connection);
  result.failure = std::move(opened.failure);
  // One that greets with 5yz is there, and says so to everybody.
  if (result.connection == nullptr && result.failure.verdict != smtp::Verdict::kPermanent) result.contact = Contact::kUnreachable;
  co_return result;
}

}  // namespace

net::Awaitable<AttemptResult> DeliverRemote(Relay& relay, Lane& lane, Attempt attempt) {
  AttemptResult result;
  std::optional<smtp::Transaction> transaction = MakeTransaction(attempt);
  if (!transaction.has_value()) {
    result.outcomes.assign(attempt.recipients.size(), Failure(smtp::Reply(553, {5, 1, 3}, "The address cannot be used")));
    co_return result;
  }
  Connecting connecting = co_await GetConnection(relay, lane, attempt);
  result.contact = connecting.contact;
  if (connecting.connection == nullptr) {
    result.outcomes.assign(attempt.recipients.size(), connecting.failure);
    co_return result;
  }
  SmtpConnection& connection = *connecting.connection;
  const auto start = net::Clock::now();
  result.next_hop = connection.host();
  Fitted fitted = co_await FitToOffer(relay, *attempt.item, connection.offer(), *transaction);
  if (fitted.refusal.has_value()) {
    result.outcomes.assign(attempt.recipients.size(), Failure(*fitted.refusal));
    lane.GiveBack(LaneKey(attempt), std::move(connecting.connection));
    co_return result;
  }
  result.dsn_passed_on = connection.offer().Has(smtp::Extension::kDsn);
  result.outcomes = co_await connection.Send(std::move(*transaction), *fitted.body);
  const std::chrono::duration<double> took = net::Clock::now() - start;
  relay.metrics.stage_seconds.With({"transaction"}).Observe(took.count());
  lane.GiveBack(LaneKey(attempt), std::move(connecting.connection));
  co_return result;
}

}  // namespace mailmesh::outbound_relay
