#include "services/outbound_relay/lane.h"

#include <chrono>

#include "common/net/sleep.h"

namespace mailmesh::outbound_relay {
namespace {

constexpr auto kTendInterval = std::chrono::milliseconds(500);
// Not for ever, however busy: a route that was changed, or an MX record, is seen by the next connection.
constexpr auto kLongestUse = std::chrono::minutes(5);

}  // namespace

std::unique_ptr<SmtpConnection> Lane::TakeIdle(const std::string& destination) {
  const auto found = idle_.find(destination);
  if (found == idle_.end()) return nullptr;
  while (!found->second.empty()) {
    std::unique_ptr<SmtpConnection> connection = std::move(found->second.back());
    found->second.pop_back();
    if (connection->StillIdle()) return connection;
  }
  return nullptr;
}

void Lane::GiveBack(const std::string& destination, std::unique_ptr<SmtpConnection> connection) {
  if (!connection->usable()) return;
  const bool used_up = connection->messages_sent() >= relay_.options.messages_per_connection ||
                       net::Clock::now() - connection->made_at() > kLongestUse;
  if (used_up || relay_.stopping.load() || relay_.options.connection_idle <= net::Duration{}) {
    SmtpConnection::Leave(std::move(connection));
    return;
  }
  idle_[destination].push_back(std::move(connection));
}

net::Awaitable<void> Lane::Tend() {
  while (!relay_.stopping.load()) {
    co_await net::SleepFor(kTendInterval);
    const net::TimePoint now = net::Clock::now();
    for (auto next = idle_.begin(); next != idle_.end();) {
      std::vector<std::unique_ptr<SmtpConnection>> kept;
      for (std::unique_ptr<SmtpConnection>& connection : next->second) {
        if (now - connection->idle_since() < relay_.options.connection_idle) {
          kept.push_back(std::move(connection));
        } else {
          SmtpConnection::Leave(std::move(connection));
        }
      }
      next->second = std::move(kept);
      next = next->second.empty() ? idle_.erase(next) : std::next(next);
    }
  }
  auto idle = std::move(idle_);
  for (auto& [destination, connections] : idle) {
    for (std::unique_ptr<SmtpConnection>& connection : connections) co_await connection->Quit();
  }
}

}  // namespace mailmesh::outbound_relay
