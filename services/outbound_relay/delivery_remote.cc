#include <chrono>

#include "absl/strings/str_cat.h"
#include "common/base/random.h"
#include "common/base/status.h"
#include "common/smtp/address.h"
#include "common/smtp/dsn.h"
#include "services/outbound_relay/delivery.h"
#include "services/outbound_relay/spool_body.h"

namespace mailmesh::outbound_relay {
namespace {

// More than this waiting for one destination would keep others from being looked at.
constexpr size_t kMaxWaiting = 200;
constexpr auto kCrowdedPause = std::chrono::seconds(3);

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

// A connection for the attempt; null: `failure` says why there is none.
net::Awaitable<std::unique_ptr<SmtpConnection>> GetConnection(Relay& relay, Lane& lane, Destination& destination, std::string domain,
                                                              smtp::Outcome& failure) {
  std::unique_ptr<SmtpConnection> connection = lane.TakeIdle(destination);
  if (connection != nullptr) co_return connection;
  const auto start = net::Clock::now();
  RouteAnswer route = co_await FindRoute(relay, domain);
  const std::chrono::duration<double> routed = net::Clock::now() - start;
  relay.metrics.stage_seconds.With({"route"}).Observe(routed.count());
  if (route.failure.has_value()) {
    failure = Failure(*route.failure);
    co_return nullptr;
  }
  const auto connecting = net::Clock::now();
  SmtpConnection::Opened opened = co_await SmtpConnection::Open(relay, std::move(route));
  const std::chrono::duration<double> connected = net::Clock::now() - connecting;
  relay.metrics.stage_seconds.With({"connect"}).Observe(connected.count());
  if (opened.connection == nullptr) {
    lane.NoteConnectFailure(destination, opened.failure);
    failure = opened.failure;
    co_return nullptr;
  }
  Lane::NoteSuccess(destination);
  co_return std::move(opened.connection);
}

// Counts a delivery at its destination while it lives.
class Waiting {
 public:
  explicit Waiting(Destination& destination) : destination_(destination) { ++destination_.waiting; }
  ~Waiting() { --destination_.waiting; }

 private:
  Destination& destination_;
};

}  // namespace

net::Awaitable<AttemptResult> DeliverRemote(Relay& relay, Lane& lane, Attempt attempt) {
  AttemptResult result;
  Destination& destination = lane.Find(attempt.domain);
  const net::TimePoint now = net::Clock::now();
  if (destination.idle.empty() && now < destination.back_off_until) {
    result.postponed = destination.back_off_until - now;
    result.outcomes.assign(attempt.recipients.size(), destination.last_failure);
    co_return result;
  }
  if (destination.waiting >= kMaxWaiting) {
    result.postponed = kCrowdedPause;
    co_return result;
  }
  std::optional<smtp::Transaction> transaction = MakeTransaction(attempt);
  if (!transaction.has_value()) {
    result.outcomes.assign(attempt.recipients.size(), Failure(smtp::Reply(553, {5, 1, 3}, "The address cannot be used")));
    co_return result;
  }
  Waiting waiting(destination);
  absl::StatusOr<net::Semaphore::Permit> slot = co_await destination.slots.Acquire();
  absl::StatusOr<net::Semaphore::Permit> connection_slot = co_await lane.connections().Acquire();
  smtp::Outcome failure;
  std::unique_ptr<SmtpConnection> connection = co_await GetConnection(relay, lane, destination, attempt.domain, failure);
  if (connection == nullptr) {
    result.outcomes.assign(attempt.recipients.size(), failure);
    co_return result;
  }
  const auto start = net::Clock::now();
  SpoolBody body(relay, *attempt.item);
  result.next_hop = connection->host();
  result.outcomes = co_await connection->Send(std::move(*transaction), body);
  const std::chrono::duration<double> took = net::Clock::now() - start;
  relay.metrics.stage_seconds.With({"transaction"}).Observe(took.count());
  lane.GiveBack(destination, std::move(connection));
  co_return result;
}

}  // namespace mailmesh::outbound_relay
