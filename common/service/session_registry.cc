#include "common/service/session_registry.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/base/status.h"

namespace mailmesh::service {
namespace {

// Before the end of a drain; of a short one, its last quarter.
constexpr absl::Duration kLastCall = absl::Seconds(2);

}  // namespace

SessionRegistry::Entry::Entry(Entry&& other) noexcept
    : registry_(std::exchange(other.registry_, nullptr)), slot_(std::move(other.slot_)) {}

SessionRegistry::Entry& SessionRegistry::Entry::operator=(Entry&& other) noexcept {
  if (this != &other) {
    Release();
    registry_ = std::exchange(other.registry_, nullptr);
    slot_ = std::move(other.slot_);
  }
  return *this;
}

SessionRegistry::Entry::~Entry() { Release(); }

void SessionRegistry::Entry::Release() {
  if (registry_ == nullptr) return;
  bool told;
  {
    // Waits for a kick under way: after this the callback's owner may go.
    absl::MutexLock lock(&slot_->calling);
    slot_->gone = true;
    told = slot_->kicked.has_value();
  }
  absl::MutexLock lock(&registry_->mutex_);
  registry_->sessions_.erase(slot_->facts.session_id);
  if (registry_->draining_.has_value() && !registry_->counted_) ++(told ? registry_->counts_.told : registry_->counts_.finished);
  registry_ = nullptr;
  slot_.reset();
}

void SessionRegistry::Entry::SetAccount(std::string_view account) {
  absl::MutexLock lock(&registry_->mutex_);
  slot_->facts.account = account;
}

void SessionRegistry::Entry::SetState(std::string_view state) {
  absl::MutexLock lock(&registry_->mutex_);
  slot_->facts.state = state;
}

void SessionRegistry::Entry::SetTls(bool tls) {
  absl::MutexLock lock(&registry_->mutex_);
  slot_->facts.tls = tls;
}

SessionRegistry::Entry SessionRegistry::Register(SessionFacts facts, Kick kick) {
  auto slot = std::make_shared<Slot>();
  if (facts.start == absl::Time()) facts.start = absl::Now();
  slot->facts = std::move(facts);
  slot->kick = std::move(kick);
  std::optional<KickReason> draining;
  {
    absl::MutexLock lock(&mutex_);
    // Two sessions of one name would hide each other.
    const std::string wanted = slot->facts.session_id;
    for (int i = 2; !sessions_.emplace(slot->facts.session_id, slot).second; ++i) {
      slot->facts.session_id = absl::StrCat(wanted, "-", i);
    }
    draining = draining_;
  }
  Entry entry(this, slot);
  if (draining.has_value()) Call(slot, *draining);
  return entry;
}

std::vector<SessionFacts> SessionRegistry::List(std::string_view after, size_t limit) const {
  std::vector<SessionFacts> facts;
  absl::MutexLock lock(&mutex_);
  for (auto it = sessions_.upper_bound(after); it != sessions_.end() && facts.size() < limit; ++it) {
    facts.push_back(it->second->facts);
  }
  return facts;
}

std::vector<std::string> SessionRegistry::Accounts() const {
  std::set<std::string> accounts;
  absl::MutexLock lock(&mutex_);
  for (const auto& [id, slot] : sessions_) {
    if (!slot->facts.account.empty()) accounts.insert(slot->facts.account);
  }
  return {accounts.begin(), accounts.end()};
}

size_t SessionRegistry::size() const {
  absl::MutexLock lock(&mutex_);
  return sessions_.size();
}

absl::Status SessionRegistry::KickOne(std::string_view session_id) {
  std::shared_ptr<Slot> slot;
  {
    absl::MutexLock lock(&mutex_);
    const auto it = sessions_.find(session_id);
    if (it == sessions_.end()) return absl::NotFoundError(absl::StrCat("no session ", base::Av(session_id)));
    slot = it->second;
  }
  Call(slot, KickReason::kOperator);
  return absl::OkStatus();
}

void SessionRegistry::KickAccount(std::string_view account) {
  std::vector<std::shared_ptr<Slot>> slots;
  {
    absl::MutexLock lock(&mutex_);
    for (const auto& [id, slot] : sessions_) {
      if (slot->facts.account == account) slots.push_back(slot);
    }
  }
  for (const std::shared_ptr<Slot>& slot : slots) Call(slot, KickReason::kOperator);
}

void SessionRegistry::Call(const std::shared_ptr<Slot>& slot, KickReason reason) {
  absl::MutexLock lock(&slot->calling);
  if (slot->gone || (slot->kicked.has_value() && *slot->kicked >= reason)) return;
  slot->kicked = reason;
  if (slot->kick) slot->kick(reason);
}

std::vector<std::shared_ptr<SessionRegistry::Slot>> SessionRegistry::BeginTelling(KickReason reason) {
  std::vector<std::shared_ptr<Slot>> slots;
  absl::MutexLock lock(&mutex_);
  draining_ = reason;
  slots.reserve(sessions_.size());
  for (const auto& [id, slot] : sessions_) slots.push_back(slot);
  return slots;
}

bool SessionRegistry::DrainAll(absl::Time deadline, absl::Duration spread) {
  const absl::Time start = absl::Now();
  const absl::Time last_call = deadline - std::min(kLastCall, (deadline - start) / 4);
  std::vector<std::shared_ptr<Slot>> slots = BeginTelling(KickReason::kDrain);
  const absl::Duration step = slots.empty() ? absl::ZeroDuration() : spread / static_cast<int64_t>(slots.size());
  for (size_t i = 0; i < slots.size(); ++i) {
    // Sessions that end by themselves meanwhile make the rest wait no longer than planned.
    if (step > absl::ZeroDuration() && WaitUntilEmpty(std::min(last_call, start + step * static_cast<int64_t>(i)))) break;
    Call(slots[i], KickReason::kDrain);
    slots[i].reset();
  }
  if (!WaitUntilEmpty(last_call)) {
    for (const std::shared_ptr<Slot>& slot : BeginTelling(KickReason::kLastCall)) Call(slot, KickReason::kLastCall);
  }
  return WaitUntilEmpty(deadline);
}

SessionRegistry::DrainCounts SessionRegistry::drain_counts() const {
  absl::MutexLock lock(&mutex_);
  return counts_;
}

SessionRegistry::DrainCounts SessionRegistry::EndDrain() {
  absl::MutexLock lock(&mutex_);
  if (!std::exchange(counted_, true)) counts_.cut = sessions_.size();
  return counts_;
}

bool SessionRegistry::WaitUntilEmpty(absl::Time deadline) {
  const auto empty = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return sessions_.empty(); };
  absl::MutexLock lock(&mutex_);
  return mutex_.AwaitWithDeadline(absl::Condition(&empty), deadline);
}

}  // namespace mailmesh::service
