#include <chrono>

#include "absl/strings/str_cat.h"
#include "common/net/connect.h"
#include "common/net/endpoint.h"
#include "common/telemetry/log.h"
#include "services/outbound_relay/delivery.h"
#include "services/outbound_relay/fit_to_offer.h"
#include "services/outbound_relay/make_transaction.h"

namespace mailmesh::outbound_relay {
namespace {

// Of ours, before a server has said anything of the message.
smtp::Outcome Failure(const smtp::Reply& reply) {
  smtp::Outcome outcome;
  outcome.verdict = reply.IsPermanent() ? smtp::Verdict::kPermanent : smtp::Verdict::kTemporary;
  outcome.stage = smtp::Stage::kConnect;
  outcome.reply = reply;
  outcome.local = true;
  return outcome;
}

// A way that an operator has set for this message.
RouteAnswer Rerouted(const Item& item) {
  directory::v1::Route route;
  route.add_next_hops(item.reroute_next_hop());
  route.set_tls_policy(static_cast<directory::v1::TlsPolicy>(item.reroute_tls_policy()));
  route.set_implicit_tls(item.reroute_implicit_tls());
  return FromRoute(route);
}

// What a connection is kept under: a message with a way of its own, and a TLS policy of its own, shares none with others.
std::string LaneKey(const Attempt& attempt) {
  if (attempt.item->reroute_next_hop().empty()) return attempt.destination;
  return absl::StrCat(attempt.destination, " ", attempt.item->reroute_tls_policy(), attempt.item->reroute_implicit_tls() ? " implicit" : "");
}

// Whether another server of the destination may do better.
bool MayGoElsewhere(const smtp::Outcome& outcome) {
  switch (outcome.verdict) {
    case smtp::Verdict::kDelivered:
      return false;
    case smtp::Verdict::kPermanent:
      // 5yz to MAIL, RCPT or the content is final. A server that takes nobody's mail, or offers too little for this message,
      // has not spoken for the others.
      return outcome.local || outcome.stage < smtp::Stage::kMail;
    case smtp::Verdict::kPending:
    case smtp::Verdict::kTemporary:
      // The end of the content was sent and nothing was heard: the server may have the message (RFC 5321, 4.5.3.2.6 and 4.5.4.1).
      return !(outcome.local && outcome.stage == smtp::Stage::kEnd);
  }
  return false;
}

// Whether what is known of a recipient that may go elsewhere tells more than what was heard after it.
bool Outweighs(const smtp::Outcome& noted, const smtp::Outcome& news) {
  const auto said_of_mail = [](const smtp::Outcome& outcome) { return !outcome.local && outcome.stage >= smtp::Stage::kMail; };
  if (said_of_mail(noted) && !said_of_mail(news)) return true;
  // One that may take it later outweighs those that never will.
  return noted.verdict == smtp::Verdict::kTemporary && news.verdict == smtp::Verdict::kPermanent && !said_of_mail(news);
}

double SecondsSince(net::TimePoint start) { return std::chrono::duration<double>(net::Clock::now() - start).count(); }

// The servers of one destination, one after the other, for the recipients that none has taken yet (RFC 5321, 5.1).
class RemoteDelivery {
 public:
  RemoteDelivery(Relay& relay, Lane& lane, Attempt attempt, NoteDecided note)
      : relay_(relay),
        lane_(lane),
        attempt_(std::move(attempt)),
        note_(std::move(note)),
        lane_key_(LaneKey(attempt_)),
        until_(net::After(relay.options.attempt_time)),
        left_(attempt_.recipients.size()) {
    result_.recipients.resize(attempt_.recipients.size());
    for (size_t i = 0; i < left_.size(); ++i) left_[i] = i;
  }

  net::Awaitable<AttemptResult> Run() {
    if (!MakeTransaction(*attempt_.item, attempt_.recipients).has_value()) {
      NoteForAll(Failure(smtp::Reply(553, {5, 1, 3}, "The address cannot be used")), "");
      co_return std::move(result_);
    }
    std::optional<net::SocketAddress> asked = co_await UseIdle();
    if (!left_.empty()) co_await TryServers(std::move(asked));
    co_return std::move(result_);
  }

 private:
  // On a connection that is there already. Its address, where another one to it would hear the same.
  net::Awaitable<std::optional<net::SocketAddress>> UseIdle() {
    std::unique_ptr<SmtpConnection> connection = lane_.TakeIdle(lane_key_);
    if (connection == nullptr) co_return std::nullopt;
    const net::SocketAddress address = connection->server().address;
    const bool alive = co_await Converse(std::move(connection));
    if (!alive) {
      // Its end may be no more than that of a long idleness, or the server's.
      any_ready_ = false;
      co_return std::nullopt;
    }
    ++servers_;
    ++addresses_;
    co_return address;
  }

  net::Awaitable<void> TryServers(std::optional<net::SocketAddress> asked) {
    const net::TimePoint start = net::Clock::now();
    RouteAnswer route;
    if (attempt_.item->reroute_next_hop().empty()) {
      route = co_await FindRoute(relay_, attempt_.destination, attempt_.trace);
    } else {
      route = Rerouted(*attempt_.item);
    }
    relay_.metrics.stage_seconds.With({"route"}).Observe(SecondsSince(start));
    if (route.failure.has_value()) {
      NoteForAll(Failure(*route.failure), "");
      // What the DNS says for good is no fault of a server.
      if (!any_ready_) result_.contact = route.failure->IsPermanent() ? Contact::kNone : Contact::kUnreachable;
      co_return;
    }
    for (const Hop& hop : route.hops) {
      if (!MayTryOneMore()) co_return LeaveUntried();
      absl::StatusOr<std::vector<net::SocketAddress>> addresses = co_await AddressesOf(hop);
      if (!addresses.ok()) {
        const std::string why = absl::StrCat("Cannot connect to ", hop.host, ": ", addresses.status().message());
        NoteUnready(Failure(smtp::Reply(451, {4, 4, 1}, why)), hop.host);
        continue;
      }
      for (const net::SocketAddress& address : *addresses) {
        if (address == asked) continue;
        if (!MayTryOneMore()) co_return LeaveUntried();
        Server server{hop.host, address};
        co_await TryServer(std::move(server), route);
      }
    }
  }

  net::Awaitable<absl::StatusOr<std::vector<net::SocketAddress>>> AddressesOf(const Hop& hop) {
    if (!hop.addresses.empty()) co_return hop.addresses;
    net::Endpoint endpoint = net::Endpoint::Tcp(hop.host, hop.port);
    co_return co_await net::ResolveEndpoint(std::move(endpoint), net::After(relay_.options.dns_timeout));
  }

  bool MayTryOneMore() const {
    if (left_.empty()) return false;
    if (addresses_ == 0) return true;
    if (relay_.stopping.load() || servers_ >= relay_.options.servers_per_attempt) return false;
    // RFC 5321, 5.1: two addresses at least, however long the first one has taken.
    return addresses_ < 2 || net::Clock::now() < until_;
  }

  // Some servers were not asked: what others said of themselves is not final.
  void LeaveUntried() {
    for (const size_t i : left_) {
      smtp::Outcome& outcome = result_.recipients[i].outcome;
      if (outcome.verdict == smtp::Verdict::kPermanent) outcome.verdict = smtp::Verdict::kTemporary;
    }
  }

  net::Awaitable<void> TryServer(Server server, const RouteAnswer& route) {
    if (result_.recipients[left_.front()].outcome.verdict != smtp::Verdict::kPending) PassOn(server.host);
    ++addresses_;
    const std::string host = server.host;
    const net::TimePoint start = net::Clock::now();
    SmtpConnection::Opened opened = co_await SmtpConnection::Open(relay_, std::move(server), route);
    relay_.metrics.stage_seconds.With({"connect"}).Observe(SecondsSince(start));
    if (opened.connected) ++servers_;
    if (opened.connection == nullptr) {
      NoteUnready(opened.failure, host);
      co_return;
    }
    [[maybe_unused]] const bool alive = co_await Converse(std::move(opened.connection));
  }

  // Before the next server is asked.
  void PassOn(const std::string& next) {
    relay_.metrics.next_servers.Increment();
    telemetry::Info("next server", {attempt_.trace,
                                    {"queue_id", attempt_.id},
                                    {"recipients", static_cast<uint64_t>(left_.size())},
                                    {"next_hop", next},
                                    {"reply", result_.recipients[left_.front()].outcome.reply.ToString()}});
    if (!std::exchange(any_news_, false)) return;
    AttemptResult decided = result_;
    for (const size_t i : left_) decided.recipients[i].outcome = {};
    for (RecipientResult& one : decided.recipients) {
      if (one.outcome.verdict == smtp::Verdict::kTemporary) one.outcome = {};
    }
    note_(decided);
  }

  // For the recipients that are left. False: the connection has come to its end.
  net::Awaitable<bool> Converse(std::unique_ptr<SmtpConnection> connection) {
    any_ready_ = true;
    result_.contact = Contact::kReached;
    std::vector<int> indexes;
    for (const size_t i : left_) indexes.push_back(attempt_.recipients[i]);
    smtp::Transaction transaction = *MakeTransaction(*attempt_.item, indexes);
    const std::string host = connection->server().host;
    const net::TimePoint start = net::Clock::now();
    Fitted fitted = co_await FitToOffer(relay_, *attempt_.item, connection->offer(), transaction);
    if (fitted.refusal.has_value()) {
      NoteForAll(Failure(*fitted.refusal), host);
      // Our own fault is no better elsewhere.
      if (!fitted.refusal->IsPermanent()) left_.clear();
    } else {
      const bool dsn = connection->offer().Has(smtp::Extension::kDsn);
      const std::vector<smtp::Outcome> outcomes = co_await connection->Send(std::move(transaction), *fitted.body);
      relay_.metrics.stage_seconds.With({"transaction"}).Observe(SecondsSince(start));
      NoteOutcomes(outcomes, host, dsn);
      if (connection->content_failed()) left_.clear();
    }
    const bool alive = connection->usable();
    // A server that others are preferred to is not to get the next messages too while those take some.
    if (std::exchange(kept_, kept_ || alive)) {
      SmtpConnection::Leave(std::move(connection));
    } else {
      lane_.GiveBack(lane_key_, std::move(connection));
    }
    co_return alive;
  }

  void NoteOutcomes(const std::vector<smtp::Outcome>& outcomes, const std::string& host, bool dsn) {
    std::vector<size_t> left;
    for (size_t i = 0; i < left_.size(); ++i) {
      const bool elsewhere = MayGoElsewhere(outcomes[i]);
      if (elsewhere) left.push_back(left_[i]);
      RecipientResult& recipient = result_.recipients[left_[i]];
      if (!elsewhere || !Outweighs(recipient.outcome, outcomes[i])) recipient = {outcomes[i], host, dsn};
    }
    any_news_ = any_news_ || left.size() < left_.size();
    left_ = std::move(left);
  }

  void NoteForAll(const smtp::Outcome& outcome, const std::string& host) {
    for (const size_t i : left_) {
      RecipientResult& recipient = result_.recipients[i];
      if (!Outweighs(recipient.outcome, outcome)) recipient = {outcome, host, false};
    }
  }

  // No server was ready for mail there.
  void NoteUnready(const smtp::Outcome& failure, const std::string& host) {
    NoteForAll(failure, host);
    if (any_ready_) return;
    // One that greets with 5yz is there, and says so to everybody.
    const bool refused = result_.recipients[left_.front()].outcome.verdict == smtp::Verdict::kPermanent;
    result_.contact = refused ? Contact::kReached : Contact::kUnreachable;
  }

  Relay& relay_;
  Lane& lane_;
  const Attempt attempt_;
  const NoteDecided note_;
  const std::string lane_key_;
  const net::TimePoint until_;
  AttemptResult result_;
  std::vector<size_t> left_;  // whom another server may still take: indexes into result_.recipients
  uint32_t addresses_ = 0;    // tried
  uint32_t servers_ = 0;      // of them, those that took the connection
  bool any_ready_ = false;
  bool kept_ = false;      // the connection to a server of this attempt
  bool any_news_ = false;  // somebody's outcome became final since the last note
};

}  // namespace

net::Awaitable<AttemptResult> DeliverRemote(Relay& relay, Lane& lane, Attempt attempt, NoteDecided note) {
  RemoteDelivery delivery(relay, lane, std::move(attempt), std::move(note));
  co_return co_await delivery.Run();
}

}  // namespace mailmesh::outbound_relay
