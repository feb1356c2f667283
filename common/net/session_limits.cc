#include "common/net/session_limits.h"

#include <utility>

#include "common/net/client_prefix.h"
#include "common/net/listener.h"

namespace mailmesh::net {

std::variant<SessionLimits::Permit, RefusalReason> SessionLimits::Admit(const SocketAddress& peer) {
  std::optional<IpAddress> counted = CountedAs(peer);
  {
    absl::MutexLock lock(&mutex_);
    if (max_sessions_ > 0 && sessions_ >= max_sessions_) return RefusalReason::kMaxSessions;
    if (counted.has_value()) {
      auto entry = by_peer_.try_emplace(*counted, 0).first;
      if (entry->second >= max_per_peer_) return RefusalReason::kMaxPerPeer;
      ++entry->second;
    }
    ++sessions_;
  }
  // The deleter runs wherever the stream ends; it keeps the counters alive until then.
  return Permit(static_cast<void*>(this), [self = shared_from_this(), counted](void*) { self->Leave(counted); });
}

size_t SessionLimits::sessions() const {
  absl::MutexLock lock(&mutex_);
  return sessions_;
}

void SessionLimits::Leave(const std::optional<IpAddress>& counted) {
  absl::MutexLock lock(&mutex_);
  --sessions_;
  if (!counted.has_value()) return;
  auto entry = by_peer_.find(*counted);
  if (entry != by_peer_.end() && --entry->second == 0) by_peer_.erase(entry);
}

std::optional<IpAddress> SessionLimits::CountedAs(const SocketAddress& peer) const {
  if (max_per_peer_ == 0 || peer.is_unix() || exempt_.Contains(peer)) return std::nullopt;
  return ClientPrefix(peer.ip());
}

}  // namespace mailmesh::net
