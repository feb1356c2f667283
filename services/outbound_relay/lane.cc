#include "services/outbound_relay/lane.h"

#include <algorithm>
#include <chrono>

#include "common/base/random.h"
#include "common/net/sleep.h"
#include "common/net/spawn.h"

namespace mailmesh::outbound_relay {
namespace {

constexpr auto kFirstBackOff = std::chrono::seconds(1);
constexpr uint32_t kMaxDoublings = 6;  // about a minute
constexpr auto kTendInterval = std::chrono::milliseconds(500);

net::Awaitable<void> QuitConnection(std::unique_ptr<SmtpConnection> connection) { co_await connection->Quit(); }

}  // namespace

Lane::Lane(Relay& relay, net::Executor executor, size_t lanes)
    : relay_(relay),
      executor_(executor),
      connections_per_destination_(std::max<size_t>(1, relay.options.max_connections_per_destination / lanes)),
      connections_(executor, std::max<size_t>(1, relay.options.max_connections / lanes)) {}

Destination& Lane::Find(const std::string& domain) {
  std::unique_ptr<Destination>& destination = destinations_[domain];
  if (destination == nullptr) destination = std::make_unique<Destination>(executor_, connections_per_destination_);
  return *destination;
}

std::unique_ptr<SmtpConnection> Lane::TakeIdle(Destination& destination) {
  while (!destination.idle.empty()) {
    std::unique_ptr<SmtpConnection> connection = std::move(destination.idle.back());
    destination.idle.pop_back();
    if (connection->StillIdle()) return connection;
  }
  return nullptr;
}

void Lane::GiveBack(Destination& destination, std::unique_ptr<SmtpConnection> connection) {
  if (!connection->usable()) return;
  if (relay_.stopping.load() || connection->messages_sent() >= relay_.options.messages_per_connection) {
    net::Spawn(executor_, QuitConnection(std::move(connection)), "smtp-quit");
    return;
  }
  destination.idle.push_back(std::move(connection));
}

void Lane::NoteConnectFailure(Destination& destination, const smtp::Outcome& failure) {
  const auto pause = kFirstBackOff * (1 << std::min(destination.failures, kMaxDoublings));
  ++destination.failures;
  destination.back_off_until = net::After(pause);
  destination.last_failure = failure;
}

void Lane::ForgetBackOff() {
  for (auto& [domain, destination] : destinations_) {
    destination->failures = 0;
    destination->back_off_until = net::TimePoint{};
  }
}

net::Awaitable<void> Lane::Tend() {
  while (!relay_.stopping.load()) {
    co_await net::SleepFor(kTendInterval);
    const net::TimePoint now = net::Clock::now();
    for (auto next = destinations_.begin(); next != destinations_.end();) {
      Destination& destination = *next->second;
      std::vector<std::unique_ptr<SmtpConnection>> kept;
      for (std::unique_ptr<SmtpConnection>& connection : destination.idle) {
        if (now - connection->idle_since() < relay_.options.connection_idle) {
          kept.push_back(std::move(connection));
        } else {
          net::Spawn(executor_, QuitConnection(std::move(connection)), "smtp-quit");
        }
      }
      destination.idle = std::move(kept);
      const bool in_use = destination.waiting > 0 || !destination.idle.empty() || now < destination.back_off_until + std::chrono::minutes(5);
      next = in_use ? std::next(next) : destinations_.erase(next);
    }
  }
  for (auto& [domain, destination] : destinations_) {
    for (std::unique_ptr<SmtpConnection>& connection : destination->idle) co_await connection->Quit();
    destination->idle.clear();
  }
}

}  // namespace mailmesh::outbound_relay
