#include "services/outbound_relay/item_run.h"

#include <algorithm>
#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/base/random.h"
#include "common/base/status.h"
#include "common/net/event.h"
#include "common/net/spawn.h"
#include "common/service/on_pool.h"
#include "common/telemetry/log.h"
#include "services/outbound_relay/delivery.h"
#include "services/outbound_relay/dsn.h"
#include "services/outbound_relay/notify_sender.h"
#include "services/outbound_relay/retry.h"

namespace mailmesh::outbound_relay {
namespace {

// A shard comes back within seconds: copies for it are tried more often than mail for other sites.
constexpr absl::Duration kFirstLocalRetry = absl::Seconds(1);
constexpr absl::Duration kLongestLocalRetry = absl::Seconds(60);
constexpr auto kResolveTimeout = std::chrono::seconds(10);
// A destination of a message to several has no place left: soon.
constexpr absl::Duration kCrowdedPause = absl::Seconds(1);
// Nobody who cannot be reached is waited for longer than this many shortest intervals.
constexpr int kUnreachableFactor = 6;
constexpr int64_t kAfterFaultMs = 60'000;

double Random01() { return static_cast<double>(base::RandomBelow(1'000'000)) / 1e6; }

const char* LabelOf(const smtp::Outcome& outcome, Contact contact) {
  if (outcome.verdict == smtp::Verdict::kDelivered) return "delivered";
  if (outcome.verdict == smtp::Verdict::kPermanent) return "permfail";
  return contact == Contact::kUnreachable ? "connfail" : "tempfail";
}

// The first attempts find greylisting and short absences; what comes to the fourth has a lasting cause.
const char* OrdinalOf(uint32_t attempts_before) {
  switch (attempts_before) {
    case 0: return "1";
    case 1: return "2";
    case 2: return "3";
    default: return "4+";
  }
}

// Why an attempt did not reach its servers: some recipients may have been taken by one before the last.
const smtp::Outcome* FailureOf(const AttemptResult& result) {
  for (const RecipientResult& recipient : result.recipients) {
    if (recipient.outcome.verdict != smtp::Verdict::kDelivered) return &recipient.outcome;
  }
  return nullptr;
}

class ItemRun {
 public:
  ItemRun(Relay& relay, Lane& lane, TurnKeeper& turns, QueueId id, Item item, std::optional<Turn> turn)
      : relay_(relay),
        lane_(lane),
        turns_(turns),
        id_(std::move(id)),
        item_(std::move(item)),
        old_place_(PlaceOf(item_)),
        turn_(std::move(turn)),
        trace_(telemetry::Trace::Of(item_.correlation_id())),
        all_done_(lane.executor()) {}

  net::Awaitable<ItemRunResult> Deliver() {
    co_await ResolveOurOwn();
    std::vector<Attempt> attempts = MakeAttempts();
    running_ = attempts.size();
    for (Attempt& attempt : attempts) {
      if (attempts.size() == 1) {
        co_await RunAttempt(this, std::move(attempt));
      } else {
        net::Spawn(lane_.executor(), RunAttempt(this, std::move(attempt)), "relay-attempt");
      }
    }
    while (running_ > 0) {
      [[maybe_unused]] absl::Status notified = co_await all_done_.Wait();
    }
    turn_.reset();
    PlanNextAttempt();
    co_return co_await Conclude();
  }

  // Its age alone.
  net::Awaitable<ItemRunResult> ConcludeAge() {
    const absl::Duration age = absl::Milliseconds(relay_.NowMs() - item_.queued_ms());
    if (age < relay_.options.max_age && !IsToBeWarnedOf()) co_return ItemRunResult{};
    for (Recipient& recipient : *item_.mutable_recipients()) {
      if (!IsPending(recipient) || !recipient.last_reply().empty()) continue;
      // Never tried itself, because its destination was down.
      const std::optional<smtp::Outcome> last = turns_.LastFailure(DestinationOf(item_, recipient));
      if (!last.has_value()) continue;
      NoteFailureOf(recipient, *last);
    }
    co_return co_await Conclude();
  }

 private:
  // An alias may lead to several, mailboxes and others' addresses; the first takes the place of the one that was asked about.
  void SendTo(const directory::v1::RecipientResolution& resolution, int index) {
    const Recipient asked = item_.recipients(index);
    for (const directory::v1::DeliveryTarget& target : resolution.targets()) {
      const bool first = &target == &resolution.targets(0);
      Recipient& recipient = first ? *item_.mutable_recipients(index) : *item_.add_recipients();
      recipient = asked;
      recipient.set_resolve(false);
      if (target.account_id().empty()) {
        recipient.set_forward_path(target.address());
        continue;
      }
      recipient.set_local_shard(target.shard());
      recipient.set_local_account_id(target.account_id());
      recipient.set_local_mailbox(target.mailbox());
      recipient.set_local_request_id(id_);
    }
  }

  // Notifications of ours have a recipient that nobody has looked up.
  net::Awaitable<void> ResolveOurOwn() {
    const int known = item_.recipients_size();
    for (int index = 0; index < known; ++index) {
      Recipient& recipient = *item_.mutable_recipients(index);
      if (!recipient.resolve() || !IsPending(recipient)) continue;
      const net::TimePoint deadline = net::After(kResolveTimeout);
      auto resolution = co_await relay_.lookups.ResolveRecipient(recipient.forward_path(), deadline, trace_);
      if (!resolution.ok()) continue;  // MakeAttempts leaves it waiting
      using directory::v1::RecipientResolution;
      if (resolution->kind() == RecipientResolution::KIND_DELIVER && resolution->targets_size() > 0) {
        SendTo(*resolution, index);
      } else if (resolution->kind() == RecipientResolution::KIND_UNKNOWN_USER || resolution->kind() == RecipientResolution::KIND_DISABLED ||
                 resolution->kind() == RecipientResolution::KIND_BAD_ADDRESS) {
        recipient.set_state(Recipient::STATE_BOUNCED);
        recipient.set_last_reply("550 5.1.1 No such user here");
      } else if (resolution->kind() != RecipientResolution::KIND_UNSPECIFIED) {
        if (resolution->targets_size() > 0) recipient.set_forward_path(resolution->targets(0).address());
        recipient.set_resolve(false);
      }
    }
  }

  std::vector<Attempt> MakeAttempts() const {
    std::map<std::string, Attempt> attempts;
    for (int i = 0; i < item_.recipients_size(); ++i) {
      const Recipient& recipient = item_.recipients(i);
      if (!IsPending(recipient) || recipient.resolve()) continue;
      std::string destination = DestinationOf(item_, recipient);
      Attempt& attempt = attempts[absl::StrCat(destination, " ", recipient.local_request_id())];
      attempt.id = id_;
      attempt.item = &item_;
      attempt.trace = trace_;
      attempt.destination = std::move(destination);
      attempt.shard = recipient.local_shard();
      attempt.request_id = recipient.local_request_id();
      attempt.recipients.push_back(i);
    }
    std::vector<Attempt> list;
    for (auto& [key, attempt] : attempts) list.push_back(std::move(attempt));
    return list;
  }

  // The run's own turn, where the attempt is for its destination, or another one.
  std::optional<Turn> TakeTurn(const std::string& destination) {
    if (turn_.has_value() && turn_->destination() == destination) {
      std::optional<Turn> own(std::move(turn_));
      turn_.reset();
      return own;
    }
    if (!turns_.Take(destination)) return std::nullopt;
    return Turn(turns_, destination, lane_);
  }

  // Owned by Deliver's frame, which waits for all of them.
  static net::Awaitable<void> RunAttempt(ItemRun* self, Attempt attempt) {
    const std::vector<int> recipients = attempt.recipients;
    AttemptResult result;
    std::optional<Turn> turn = self->TakeTurn(attempt.destination);
    if (!turn.has_value()) {
      self->Postpone(attempt);
    } else {
      if (attempt.shard.empty()) {
        NoteDecided note = [self, recipients](const AttemptResult& decided) {
          self->Note(recipients, decided);
          self->WriteInterim();
        };
        result = co_await DeliverRemote(self->relay_, self->lane_, std::move(attempt), std::move(note));
      } else {
        result = co_await DeliverLocal(self->relay_, std::move(attempt));
      }
      // The destination's next message need not wait for our note of this one.
      turn->End(result.contact, FailureOf(result));
      self->Note(recipients, result);
    }
    --self->running_;
    // Between a server's 250 and our note of it lies the window in which a crash sends twice: with others still at work, what is
    // known is written now.
    if (self->running_ > 0 && turn.has_value()) self->WriteInterim();
    self->all_done_.Notify();
  }

  // What kept another message from the same destination.
  static void NoteFailureOf(Recipient& recipient, const smtp::Outcome& last) {
    recipient.set_last_reply(last.reply.ToString());
    recipient.set_last_reply_remote(false);
    recipient.set_last_status(smtp::ToString(last.reply.enhanced));
  }

  void Postpone(const Attempt& attempt) {
    const std::optional<absl::Time> until = turns_.BacksOffUntil(attempt.destination);
    postponed_until_ = std::max(postponed_until_, until.value_or(relay_.clock.Now() + kCrowdedPause));
    const std::optional<smtp::Outcome> last = until.has_value() ? turns_.LastFailure(attempt.destination) : std::nullopt;
    if (!last.has_value()) return;
    for (const int index : attempt.recipients) {
      NoteFailureOf(*item_.mutable_recipients(index), *last);
    }
  }

  void Note(const std::vector<int>& recipients, const AttemptResult& result) {
    tried_ = true;
    if (result.contact != Contact::kUnreachable) reached_any_ = true;
    for (size_t i = 0; i < recipients.size(); ++i) {
      Recipient& recipient = *item_.mutable_recipients(recipients[i]);
      const smtp::Outcome& outcome = result.recipients[i].outcome;
      // Noted before, or not to be noted yet.
      if (!IsPending(recipient) || outcome.verdict == smtp::Verdict::kPending) continue;
      recipient.set_last_reply(outcome.reply.ToString());
      recipient.set_last_status(smtp::ToString(outcome.reply.enhanced));
      recipient.set_last_reply_remote(!outcome.local);
      recipient.set_last_next_hop(result.recipients[i].next_hop);
      recipient.set_last_attempt_ms(relay_.NowMs());
      const char* label = LabelOf(outcome, result.contact);
      relay_.metrics.attempts.With({label, OrdinalOf(item_.attempts())}).Increment();
      if (outcome.verdict == smtp::Verdict::kDelivered) {
        recipient.set_state(Recipient::STATE_DELIVERED);
        recipient.set_dsn_passed_on(result.recipients[i].dsn_passed_on);
        NoteFinal(recipient, "delivered");
      } else if (outcome.verdict == smtp::Verdict::kPermanent) {
        recipient.set_state(Recipient::STATE_BOUNCED);
        NoteFinal(recipient, "bounced");
      }
      telemetry::Info(outcome.verdict == smtp::Verdict::kDelivered ? "delivered" : "not delivered",
                      {trace_,
                       {"queue_id", id_},
                       {"recipient", recipient.forward_path()},
                       {"next_hop", result.recipients[i].next_hop},
                       {"result", label},
                       {"reply", recipient.last_reply()}});
    }
  }

  void NoteFinal(const Recipient& recipient, const char* outcome) {
    // A notification is no session's.
    const char* to = item_.session_facts().empty() ? "sender" : IsLocal(recipient) ? "mailbox" : "server";
    relay_.metrics.message_age.With({outcome, to}).Observe(static_cast<double>(relay_.NowMs() - item_.queued_ms()) / 1000.0);
  }

  void WriteInterim() {
    relay_.spool->Update(id_, item_, old_place_, {}, [](const absl::Status&) {});
  }

  // Bounces what has been tried for too long.
  void ExpireOld() {
    if (relay_.NowMs() - item_.queued_ms() < absl::ToInt64Milliseconds(relay_.options.max_age)) return;
    for (Recipient& recipient : *item_.mutable_recipients()) {
      if (!IsPending(recipient)) continue;
      recipient.set_state(Recipient::STATE_BOUNCED);
      recipient.set_last_status("4.4.7");  // RFC 3463, 3.5: delivery time expired
      recipient.set_last_reply(std::string(kExpired) + recipient.last_reply());
      NoteFinal(recipient, "bounced");
    }
  }

  bool IsToBeWarnedOf() const {
    const absl::Duration age = absl::Milliseconds(relay_.NowMs() - item_.queued_ms());
    return relay_.options.delay_warning > absl::ZeroDuration() && age > relay_.options.delay_warning && !item_.delay_warned();
  }

  void PlanNextAttempt() {
    const absl::Time now = relay_.clock.Now();
    if (!tried_ && postponed_until_ > now) {
      item_.set_next_attempt_ms(absl::ToUnixMillis(postponed_until_ + absl::Milliseconds(1 + 500 * Random01())));
      return;
    }
    item_.set_attempts(item_.attempts() + 1);
    const bool any_local = std::any_of(item_.recipients().begin(), item_.recipients().end(), [](const Recipient& recipient) {
      return IsPending(recipient) && (IsLocal(recipient) || recipient.resolve());
    });
    const absl::Duration shortest = any_local ? std::min(kFirstLocalRetry, relay_.options.min_retry) : relay_.options.min_retry;
    absl::Duration longest = any_local ? std::min(kLongestLocalRetry, relay_.options.max_retry) : relay_.options.max_retry;
    // A server that said "later" knows why; one that cannot be reached may be back at any time.
    if (tried_ && !reached_any_) longest = std::min(longest, kUnreachableFactor * relay_.options.min_retry);
    const absl::Duration interval = RetryInterval(shortest, longest, item_.attempts(), Random01());
    item_.set_next_attempt_ms(absl::ToUnixMillis(now + interval));
  }

  net::Awaitable<ItemRunResult> Conclude() {
    ExpireOld();
    const bool any_pending = std::any_of(item_.recipients().begin(), item_.recipients().end(), IsPending);
    const bool warn = any_pending && IsToBeWarnedOf();
    std::vector<Spool::Notification> notifications = co_await NotifySender(relay_, id_, item_, trace_, warn);
    if (warn) item_.set_delay_warned(true);
    if (any_pending) item_.set_destination(DestinationOf(item_));
    ItemRunResult result;
    for (const Spool::Notification& notification : notifications) {
      result.notifications.emplace_back(notification.id, Place{DestinationOf(notification.item), notification.item.next_attempt_ms()});
    }
    result.finished = !any_pending;
    if (any_pending) result.next = PlaceOf(item_);
    absl::Status status = co_await Write(result.finished, std::move(notifications));
    if (!status.ok()) {
      telemetry::Error("outcome not written", {trace_, {"queue_id", id_}, {"error", base::Message(status)}});
      result = {};
      result.next = Place{old_place_.destination, relay_.NowMs() + kAfterFaultMs};
    }
    co_return result;
  }

  net::Awaitable<absl::Status> Write(bool finished, std::vector<Spool::Notification> notifications) {
    // Shared with the pipeline's callback, which may come after this frame is gone only if the process ends.
    auto written = std::make_shared<net::Event>(lane_.executor());
    auto status = std::make_shared<absl::Status>();
    auto done = [executor = lane_.executor(), written, status](const absl::Status& outcome) {
      asio::post(executor, [written, status, outcome] {
        *status = outcome;
        written->Notify();
      });
    };
    if (finished) {
      relay_.spool->Remove(id_, item_, old_place_, std::move(notifications), done);
    } else {
      relay_.spool->Update(id_, item_, old_place_, std::move(notifications), done);
    }
    [[maybe_unused]] absl::Status notified = co_await written->Wait();
    co_return *status;
  }

  Relay& relay_;
  Lane& lane_;
  TurnKeeper& turns_;
  const QueueId id_;
  Item item_;
  const Place old_place_;
  std::optional<Turn> turn_;
  const telemetry::Trace trace_;
  net::Event all_done_;
  size_t running_ = 0;
  bool tried_ = false;
  bool reached_any_ = false;
  absl::Time postponed_until_ = absl::InfinitePast();
};

}  // namespace

net::Awaitable<ItemRunResult> RunItem(Relay& relay, Lane& lane, TurnKeeper& turns, QueueId id, std::optional<Turn> turn, RunKind kind) {
  auto work = [spool = relay.spool.get(), id] { return spool->Read(id); };
  absl::StatusOr<Item> item = co_await service::OnPool(*relay.spool_pool, std::move(work));
  ItemRunResult nothing;
  if (!item.ok()) {
    // Gone: another hand has finished it. Not readable: it stays, and says so.
    if (absl::IsNotFound(item.status())) co_return nothing;
    telemetry::Error("queued message not read", {{"queue_id", id}, {"error", base::Message(item.status())}});
    if (turn.has_value()) nothing.next = Place{turn->destination(), relay.NowMs() + kAfterFaultMs};
    co_return nothing;
  }
  const bool elsewhere = turn.has_value() && turn->destination() != item->destination();
  if (item->held() || (kind == RunKind::kDeliver && elsewhere)) co_return nothing;
  const int64_t due_ms = item->next_attempt_ms();
  if (kind == RunKind::kDeliver && due_ms > relay.NowMs() && due_ms <= relay.LatestDueMs()) {
    nothing.next = PlaceOf(*item);
    co_return nothing;
  }
  auto run = std::make_unique<ItemRun>(relay, lane, turns, std::move(id), std::move(*item), std::move(turn));
  turn.reset();
  if (kind == RunKind::kConclude) co_return co_await run->ConcludeAge();
  co_return co_await run->Deliver();
}

}  // namespace mailmesh::outbound_relay
