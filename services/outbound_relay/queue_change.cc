#include "services/outbound_relay/queue_change.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "common/base/status.h"

namespace mailmesh::outbound_relay {
namespace {

constexpr size_t kItemsOfACommit = 500;
constexpr absl::Duration kTimeOfACall = absl::Seconds(2);
constexpr int kMaxIds = 1000;
// A message that runs is mostly done within moments.
constexpr absl::Duration kBusyWait = absl::Milliseconds(300);

bool HasDomain(const Item& item, const std::string& domain) {
  const std::string suffix = "@" + absl::AsciiStrToLower(domain);
  return std::any_of(item.recipients().begin(), item.recipients().end(),
                     [&](const Recipient& recipient) { return absl::AsciiStrToLower(recipient.forward_path()).ends_with(suffix); });
}

bool IsFrom(const Item& item, const std::string& sender) {
  if (sender == "<>") return item.reverse_path().empty();
  if (absl::StrContains(sender, '@')) return absl::EqualsIgnoreCase(item.reverse_path(), sender);
  return absl::EndsWithIgnoreCase(item.reverse_path(), absl::StrCat("@", sender));
}

// Waits for the outcomes of many commits.
class Outcomes {
 public:
  Spool::Done Expect() {
    absl::MutexLock lock(&mutex_);
    ++open_;
    return [this](const absl::Status& status) {
      absl::MutexLock lock(&mutex_);
      status_.Update(status);
      --open_;
    };
  }
  absl::Status Wait() {
    absl::MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(
        +[](int* open) { return *open == 0; }, &open_));
    return status_;
  }

 private:
  absl::Mutex mutex_;
  int open_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
};

// Some messages, together: claimed, changed, written, and given back.
class Page {
 public:
  Page(Relay& relay, Scheduler& scheduler, const Change& change) : relay_(relay), scheduler_(scheduler), change_(change) {}

  absl::Status Apply(std::vector<QueueId> ids, ChangeResult& result) {
    const absl::Time until = absl::Now() + kBusyWait;
    absl::Status status = Try(ids);
    while (status.ok() && !ids.empty() && absl::Now() < until) {
      absl::SleepFor(absl::Milliseconds(20));
      status = Try(ids);
    }
    result.changed += changed_;
    result.busy += ids.size();
    return status;
  }

 private:
  // Leaves in `ids` those that are busy.
  absl::Status Try(std::vector<QueueId>& ids) {
    Outcomes outcomes;
    std::vector<QueueId> claimed, busy;
    absl::Status status;
    places_.clear();
    for (QueueId& id : ids) {
      if (!scheduler_.Claim(id)) {
        busy.push_back(std::move(id));
        continue;
      }
      claimed.push_back(std::move(id));
      if (status.ok()) status = One(claimed.back(), outcomes);
    }
    ids = std::move(busy);
    status.Update(outcomes.Wait());
    for (const QueueId& id : claimed) scheduler_.Release(id);
    for (const Place& place : places_) scheduler_.Moved(place);
    return status;
  }

  absl::Status One(const QueueId& id, Outcomes& outcomes) {
    absl::StatusOr<Item> item = relay_.spool->Read(id);
    if (absl::IsNotFound(item.status())) return absl::OkStatus();
    RETURN_IF_ERROR(item.status());
    const Place old = PlaceOf(*item);
    switch (change_(*item)) {
      case Changed::kNo:
        return absl::OkStatus();
      case Changed::kUpdate:
        item->set_destination(DestinationOf(*item));
        places_.push_back(PlaceOf(*item));
        relay_.spool->Update(id, *item, old, {}, outcomes.Expect());
        break;
      case Changed::kRemove:
        scheduler_.Left(1);
        relay_.spool->Remove(id, *item, old, {}, outcomes.Expect());
        break;
    }
    ++changed_;
    return absl::OkStatus();
  }

  Relay& relay_;
  Scheduler& scheduler_;
  const Change& change_;
  uint64_t changed_ = 0;
  std::vector<Place> places_;
};

}  // namespace

absl::Status CheckSelection(const relay::v1::QueueSelection& selection) {
  if (selection.queue_ids_size() > kMaxIds) return absl::InvalidArgumentError(absl::StrCat("queue_ids: at most ", kMaxIds));
  if (selection.queue_ids().empty() && selection.domain().empty() && selection.sender().empty() && selection.older_than_seconds() == 0 &&
      !selection.all()) {
    return absl::InvalidArgumentError("nothing is selected: give ids, a domain, a sender or an age, or say that all are meant");
  }
  return absl::OkStatus();
}

bool Matches(const relay::v1::QueueSelection& selection, const QueueId& id, const Item& item, int64_t now_ms) {
  if (!selection.queue_ids().empty() && std::find(selection.queue_ids().begin(), selection.queue_ids().end(), id) == selection.queue_ids().end()) {
    return false;
  }
  if (!selection.domain().empty() && !HasDomain(item, selection.domain())) return false;
  if (!selection.sender().empty() && !IsFrom(item, selection.sender())) return false;
  // Where no age is asked for it does not matter: after the clock went back a message may be of the future.
  return selection.older_than_seconds() == 0 ||
         (now_ms - item.queued_ms()) / 1000 >= static_cast<int64_t>(selection.older_than_seconds());
}

absl::StatusOr<ChangeResult> ChangeItems(Relay& relay, Scheduler& scheduler, const relay::v1::QueueSelection& selection,
                                         const std::string& page_token, const Change& change) {
  RETURN_IF_ERROR(CheckSelection(selection));
  ChangeResult result;
  if (!selection.queue_ids().empty()) {
    std::vector<QueueId> ids;
    for (const std::string& id : selection.queue_ids()) {
      const absl::StatusOr<Item> item = relay.spool->Read(id);
      if (item.ok() && Matches(selection, id, *item, relay.NowMs())) ids.push_back(id);
    }
    RETURN_IF_ERROR(Page(relay, scheduler, change).Apply(std::move(ids), result));
    return result;
  }
  const absl::Time until = absl::Now() + kTimeOfACall;
  QueueId after = page_token;
  for (;;) {
    ASSIGN_OR_RETURN(const auto items, relay.spool->List(after, kItemsOfACommit));
    if (items.empty()) return result;
    std::vector<QueueId> ids;
    for (const auto& [id, item] : items) {
      if (Matches(selection, id, item, relay.NowMs())) ids.push_back(id);
    }
    RETURN_IF_ERROR(Page(relay, scheduler, change).Apply(std::move(ids), result));
    after = items.back().first;
    if (absl::Now() < until) continue;
    result.next_page_token = after;
    return result;
  }
}

}  // namespace mailmesh::outbound_relay
