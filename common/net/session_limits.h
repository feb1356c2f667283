// Counts the sessions of a listener, in all and by peer. Private to common/net.
//
// Thread-safety: all methods from any thread.
#ifndef MAILMESH_COMMON_NET_SESSION_LIMITS_H_
#define MAILMESH_COMMON_NET_SESSION_LIMITS_H_

#include <absl/base/thread_annotations.h>
#include <absl/container/flat_hash_map.h>
#include <absl/synchronization/mutex.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <variant>

#include "common/net/address.h"
#include "common/net/cidr.h"

namespace mailmesh::net {

enum class RefusalReason;

class SessionLimits : public std::enable_shared_from_this<SessionLimits> {
 public:
  SessionLimits(size_t max_sessions, size_t max_per_peer, CidrSet exempt)
      : max_sessions_(max_sessions), max_per_peer_(max_per_peer), exempt_(std::move(exempt)) {}

  // Counts while it lives.
  using Permit = std::shared_ptr<void>;
  std::variant<Permit, RefusalReason> Admit(const SocketAddress& peer);
  size_t sessions() const;

 private:
  void Leave(const std::optional<IpAddress>& counted);
  std::optional<IpAddress> CountedAs(const SocketAddress& peer) const;

  const size_t max_sessions_;
  const size_t max_per_peer_;
  const CidrSet exempt_;
  mutable absl::Mutex mutex_;
  size_t sessions_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::flat_hash_map<IpAddress, size_t> by_peer_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace mailmesh::net

#endif  // MAILMESH_COMMON_NET_SESSION_LIMITS_H_
