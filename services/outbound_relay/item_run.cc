#include "services/outbound_relay/item_run.h"

#include <algorithm>
#include <map>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/base/random.h"
#include "common/base/status.h"
#include "common/net/event.h"
#include "common/net/spawn.h"
#include "common/service/on_pool.h"
#include "common/telemetry/log.h"
#include "services/outbound_relay/delivery.h"
#include "services/outbound_relay/dsn.h"
#include "services/outbound_relay/retry.h"

namespace mailmesh::outbound_relay {
namespace {

using Recipient = storage::v1::StoredQueueRecipient;

// A shard comes back within seconds: copies for it are tried more often than mail for other sites.
constexpr absl::Duration kFirstLocalRetry = absl::Seconds(1);
constexpr auto kResolveTimeout = std::chrono::seconds(10);

double Random01() { return static_cast<double>(base::RandomBelow(1'000'000)) / 1e6; }

bool IsPending(const Recipient& recipient) { return recipient.state() == Recipient::STATE_QUEUED; }

std::string DomainOf(const std::string& address) { return absl::AsciiStrToLower(address.substr(address.rfind('@') + 1)); }

class ItemRun {
 public:
  ItemRun(Relay& relay, Lane& lane, QueueId id, Item item)
      : relay_(relay), lane_(lane), id_(std::move(id)), item_(std::move(item)), all_done_(lane.executor()) {}

  net::Awaitable<ItemRunResult> Run() {
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
    co_return co_await Conclude();
  }

 private:
  // Notifications of ours have a recipient that nobody has looked up.
  net::Awaitable<void> ResolveOurOwn() {
    for (Recipient& recipient : *item_.mutable_recipients()) {
      if (!recipient.resolve() || !IsPending(recipient)) continue;
      const net::TimePoint deadline = net::After(kResolveTimeout);
      auto resolution = co_await relay_.lookups.ResolveRecipient(recipient.forward_path(), deadline);
      if (!resolution.ok()) continue;  // MakeAttempts leaves it waiting
      using directory::v1::RecipientResolution;
      if (resolution->kind() == RecipientResolution::KIND_DELIVER && resolution->targets_size() > 0 &&
          !resolution->targets(0).account_id().empty()) {
        recipient.set_local_shard(resolution->targets(0).shard());
        recipient.set_local_account_id(resolution->targets(0).account_id());
        recipient.set_local_mailbox(resolution->targets(0).mailbox());
        recipient.set_local_request_id(id_);
        recipient.set_resolve(false);
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
      const bool local = !recipient.local_shard().empty();
      const std::string key = local ? absl::StrCat("local ", recipient.local_shard(), " ", recipient.local_request_id())
                                    : absl::StrCat("remote ", DomainOf(recipient.forward_path()));
      Attempt& attempt = attempts[key];
      attempt.id = id_;
      attempt.item = &item_;
      attempt.shard = recipient.local_shard();
      attempt.request_id = recipient.local_request_id();
      if (!local) attempt.domain = DomainOf(recipient.forward_path());
      attempt.recipients.push_back(i);
    }
    std::vector<Attempt> list;
    for (auto& [key, attempt] : attempts) list.push_back(std::move(attempt));
    return list;
  }

  // Owned by Run's frame, which waits for all of them.
  static net::Awaitable<void> RunAttempt(ItemRun* self, Attempt attempt) {
    const std::vector<int> recipients = attempt.recipients;
    AttemptResult result;
    if (attempt.shard.empty()) {
      result = co_await DeliverRemote(self->relay_, self->lane_, std::move(attempt));
    } else {
      result = co_await DeliverLocal(self->relay_, std::move(attempt));
    }
    self->Note(recipients, result);
    --self->running_;
    // Between a server's 250 and our note of it lies the window in which a crash sends twice: with others still at work, what is
    // known is written now.
    if (self->running_ > 0 && result.postponed == net::Duration{}) self->WriteInterim();
    self->all_done_.Notify();
  }

  void Note(const std::vector<int>& recipients, const AttemptResult& result) {
    if (result.postponed != net::Duration{}) {
      postponed_ = std::max(postponed_, result.postponed);
      if (result.outcomes.empty()) return;
    } else {
      tried_ = true;
    }
    for (size_t i = 0; i < recipients.size(); ++i) {
      Recipient& recipient = *item_.mutable_recipients(recipients[i]);
      const smtp::Outcome& outcome = result.outcomes[i];
      recipient.set_last_reply(outcome.reply.ToString());
      recipient.set_last_status(smtp::ToString(outcome.reply.enhanced));
      recipient.set_last_next_hop(result.next_hop);
      if (result.postponed != net::Duration{}) continue;
      const char* label = outcome.verdict == smtp::Verdict::kDelivered    ? "delivered"
                          : outcome.verdict == smtp::Verdict::kPermanent  ? "permfail"
                          : outcome.stage == smtp::Stage::kConnect        ? "connfail"
                                                                          : "tempfail";
      relay_.metrics.attempts.With({label}).Increment();
      if (outcome.verdict == smtp::Verdict::kDelivered) {
        recipient.set_state(Recipient::STATE_DELIVERED);
        NoteFinal("delivered");
      } else if (outcome.verdict == smtp::Verdict::kPermanent) {
        recipient.set_state(Recipient::STATE_BOUNCED);
      }
      telemetry::Info(outcome.verdict == smtp::Verdict::kDelivered ? "delivered" : "not delivered",
                      {{"queue_id", id_},
                       {"correlation_id", item_.correlation_id()},
                       {"recipient", recipient.forward_path()},
                       {"next_hop", result.next_hop},
                       {"result", label},
                       {"reply", recipient.last_reply()}});
    }
  }

  void NoteFinal(const char* outcome) {
    relay_.metrics.message_age.With({outcome}).Observe(static_cast<double>(relay_.NowMs() - item_.queued_ms()) / 1000.0);
  }

  void WriteInterim() {
    const int64_t due = item_.next_attempt_ms();
    relay_.spool->Update(id_, item_, due, {}, [](const absl::Status&) {});
  }

  // Bounces what has been tried for too long.
  void ExpireOld() {
    if (relay_.NowMs() - item_.queued_ms() < absl::ToInt64Milliseconds(relay_.options.max_age)) return;
    for (Recipient& recipient : *item_.mutable_recipients()) {
      if (!IsPending(recipient)) continue;
      recipient.set_state(Recipient::STATE_BOUNCED);
      recipient.set_last_status("4.4.7");  // RFC 3463, 3.5: delivery time expired
      recipient.set_last_reply(absl::StrCat("Delivery time expired; last: ", recipient.last_reply()));
    }
  }

  void PlanNextAttempt() {
    const bool any_local = std::any_of(item_.recipients().begin(), item_.recipients().end(), [](const Recipient& recipient) {
      return IsPending(recipient) && (!recipient.local_shard().empty() || recipient.resolve());
    });
    if (tried_ || postponed_ == net::Duration{}) {
      item_.set_attempts(item_.attempts() + 1);
      const absl::Duration shortest = any_local ? std::min(kFirstLocalRetry, relay_.options.min_retry) : relay_.options.min_retry;
      const absl::Duration longest = any_local ? std::min(absl::Seconds(60), relay_.options.max_retry) : relay_.options.max_retry;
      const absl::Duration interval = RetryInterval(shortest, longest, item_.attempts(), Random01());
      item_.set_next_attempt_ms(relay_.NowMs() + absl::ToInt64Milliseconds(interval));
    } else {
      const double milliseconds = std::chrono::duration<double, std::milli>(postponed_).count();
      item_.set_next_attempt_ms(relay_.NowMs() + static_cast<int64_t>(milliseconds * (1.0 + 0.5 * Random01())) + 1);
    }
  }

  // The message as far as it is returned to its sender.
  net::Awaitable<std::string> Original() {
    std::string original = item_.trace_fields();
    if (item_.body_bytes() == 0) co_return original;
    auto work = [spool = relay_.spool.get(), body_id = item_.body_id()] { return spool->ReadChunk(body_id, 0); };
    absl::StatusOr<std::string> octets = co_await service::OnPool(*relay_.spool_pool, std::move(work));
    if (octets.ok()) original += *octets;
    co_return original;
  }

  net::Awaitable<std::vector<Spool::Notification>> MakeNotifications(DsnKind kind, const std::vector<bool>& eligible) {
    std::vector<Spool::Notification> notifications;
    DsnRequest request{kind, item_, {}, "", false, relay_.options.hostname, relay_.options.postmaster, relay_.NowMs(), 0};
    for (int i = 0; i < item_.recipients_size(); ++i) {
      if (eligible[static_cast<size_t>(i)] && WantsDsn(item_, item_.recipients(i), kind)) request.recipients.push_back(&item_.recipients(i));
    }
    if (request.recipients.empty()) co_return notifications;
    request.original = co_await Original();
    request.original_is_whole = item_.body_bytes() <= Spool::kChunk;
    request.retry_until_ms = item_.queued_ms() + absl::ToInt64Milliseconds(relay_.options.max_age);
    notifications.push_back(MakeNotification(request, base::NewIdText(relay_.clock)));
    relay_.metrics.dsn.With({kind == DsnKind::kFailure ? "failure" : "delay"}).Increment();
    telemetry::Info("notification made", {{"queue_id", id_},
                                          {"correlation_id", item_.correlation_id()},
                                          {"notification_id", notifications.back().id},
                                          {"kind", kind == DsnKind::kFailure ? "failure" : "delay"}});
    co_return notifications;
  }

  net::Awaitable<ItemRunResult> Conclude() {
    const int64_t old_due = item_.next_attempt_ms();
    ExpireOld();
    std::vector<bool> bounced, pending;
    for (Recipient& recipient : *item_.mutable_recipients()) {
      // What was bounced in an earlier attempt has been told of: it is marked as done here, in the commit that tells.
      bounced.push_back(recipient.state() == Recipient::STATE_BOUNCED);
      pending.push_back(IsPending(recipient));
    }
    const bool any_pending = std::find(pending.begin(), pending.end(), true) != pending.end();
    std::vector<Spool::Notification> notifications = co_await MakeNotifications(DsnKind::kFailure, bounced);
    for (size_t i = 0; i < bounced.size(); ++i) {
      if (!bounced[i]) continue;
      NoteFinal("bounced");
      item_.mutable_recipients(static_cast<int>(i))->set_state(Recipient::STATE_DELIVERED);  // done: never told again
    }
    const absl::Duration age = absl::Milliseconds(relay_.NowMs() - item_.queued_ms());
    if (any_pending && relay_.options.delay_warning > absl::ZeroDuration() && age > relay_.options.delay_warning && !item_.delay_warned()) {
      for (Spool::Notification& warning : co_await MakeNotifications(DsnKind::kDelay, pending)) notifications.push_back(std::move(warning));
      item_.set_delay_warned(true);
    }
    ItemRunResult result;
    result.notifications = static_cast<uint32_t>(notifications.size());
    result.finished = !any_pending;
    if (any_pending) PlanNextAttempt();
    absl::Status status = co_await Write(result.finished, old_due, std::move(notifications));
    if (!status.ok()) {
      telemetry::Error("outcome not written", {{"queue_id", id_}, {"error", base::Message(status)}});
      result = {};
    }
    co_return result;
  }

  net::Awaitable<absl::Status> Write(bool finished, int64_t old_due, std::vector<Spool::Notification> notifications) {
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
      relay_.spool->Remove(id_, item_, old_due, std::move(notifications), done);
    } else {
      relay_.spool->Update(id_, item_, old_due, std::move(notifications), done);
    }
    [[maybe_unused]] absl::Status notified = co_await written->Wait();
    co_return *status;
  }

  Relay& relay_;
  Lane& lane_;
  const QueueId id_;
  Item item_;
  net::Event all_done_;
  size_t running_ = 0;
  bool tried_ = false;
  net::Duration postponed_{};
};

}  // namespace

net::Awaitable<ItemRunResult> RunItem(Relay& relay, Lane& lane, QueueId id) {
  auto work = [spool = relay.spool.get(), id] { return spool->Read(id); };
  absl::StatusOr<Item> item = co_await service::OnPool(*relay.spool_pool, std::move(work));
  if (!item.ok()) {
    // Gone: another hand has finished it. Damaged: it stays, and says so.
    if (!absl::IsNotFound(item.status())) telemetry::Error("queued message not read", {{"queue_id", id}, {"error", base::Message(item.status())}});
    co_return ItemRunResult{};
  }
  auto run = std::make_unique<ItemRun>(relay, lane, std::move(id), std::move(*item));
  co_return co_await run->Run();
}

}  // namespace mailmesh::outbound_relay
