#include "services/directory/failure_limiter.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/net/address.h"

namespace mailmesh::directory {
namespace {

// A count that has just begun to fade is still that count.
constexpr double kFading = 0.01;

// Empty for an address that does not count.
std::string AddressKey(std::string_view text) {
  absl::StatusOr<net::IpAddress> ip = net::IpAddress::Parse(text);
  if (!ip.ok() || ip->is_loopback()) return {};
  auto octets = ip->octets();
  return std::string(reinterpret_cast<const char*>(octets.data()), ip->is_v6() ? 8 : octets.size());
}

// Long names are of attackers only; their heads do.
std::string NameKey(std::string_view name) { return absl::AsciiStrToLower(base::Av(name.substr(0, 320))); }

}  // namespace

double FailureLimiter::Table::Get(const std::string& key, std::chrono::steady_clock::time_point now,
                                  absl::Duration half_life) const {
  auto it = by_key_.find(key);
  if (it == by_key_.end()) return 0;
  double passed = absl::FDivDuration(absl::FromChrono(now - it->second->at), half_life);
  return it->second->value * std::exp2(-passed);
}

void FailureLimiter::Table::Set(const std::string& key, double value, std::chrono::steady_clock::time_point now,
                                size_t capacity) {
  if (auto it = by_key_.find(key); it != by_key_.end()) {
    entries_.erase(it->second);
    by_key_.erase(it);
  }
  if (value <= 0) return;
  entries_.push_front(Entry{key, value, now});
  by_key_[key] = entries_.begin();
  if (entries_.size() > capacity) {
    by_key_.erase(entries_.back().key);
    entries_.pop_back();
  }
}

absl::Duration FailureLimiter::DelayFor(double failures, double free) const {
  if (failures + kFading < free) return absl::ZeroDuration();
  double doublings = std::min(failures - free, 20.0);
  return std::min(options_.first_delay * std::exp2(std::max(doublings, 0.0)), options_.max_delay);
}

std::optional<FailureLimiter::Attempt> FailureLimiter::Begin(std::string_view peer_address) {
  std::string address = AddressKey(peer_address);
  if (address.empty()) return Attempt();
  auto now = options_.clock->Monotonic();
  absl::MutexLock lock(&mutex_);
  int& under_way = under_way_[address];
  bool many = addresses_.Get(address, now, options_.half_life) + kFading >= options_.free_for_address;
  if (many && under_way >= options_.max_under_way) return std::nullopt;
  ++under_way;
  return Attempt(this, std::move(address));
}

void FailureLimiter::Leave(const std::string& address) {
  absl::MutexLock lock(&mutex_);
  auto it = under_way_.find(address);
  if (it != under_way_.end() && --it->second == 0) under_way_.erase(it);
}

absl::Duration FailureLimiter::OnResult(std::string_view name, std::string_view peer_address, bool success) {
  std::string account = NameKey(name);
  std::string address = AddressKey(peer_address);
  std::string place = absl::StrCat(address, std::string(1, '\0'), account);
  auto now = options_.clock->Monotonic();
  absl::MutexLock lock(&mutex_);
  double by_account = accounts_.Get(account, now, options_.half_life);
  double by_address = address.empty() ? 0 : addresses_.Get(address, now, options_.half_life);
  bool known = places_.Get(place, now, options_.known_place) > 0.5;
  absl::Duration delay = std::max(DelayFor(by_account, options_.free_for_account), DelayFor(by_address, options_.free_for_address));
  if (!success) {
    accounts_.Set(account, std::min(by_account + 1, 100.0), now, options_.capacity);
    if (!address.empty()) addresses_.Set(address, std::min(by_address + 1, 1000.0), now, options_.capacity);
    return delay;
  }
  places_.Set(place, 1, now, options_.capacity);
  return known ? DelayFor(by_address, options_.free_for_address) : delay;
}

size_t FailureLimiter::size() const {
  absl::MutexLock lock(&mutex_);
  return accounts_.size() + addresses_.size() + places_.size();
}

}  // namespace mailmesh::directory
