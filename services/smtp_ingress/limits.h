// How fast clients may go, by address and by account: what the configuration's `limits` says, counted.
//
// By address: only who has not logged in, not on LMTP, and not from exempt networks. By account: who has.
// Thread-safe; outlives the sessions. Memory: base::RateLimiter's for each limit, and one count for each account that has a
// session.
#ifndef MAILMESH_SERVICES_SMTP_INGRESS_LIMITS_H_
#define MAILMESH_SERVICES_SMTP_INGRESS_LIMITS_H_

#include <absl/base/thread_annotations.h>
#include <absl/container/flat_hash_map.h>
#include <absl/status/statusor.h>
#include <absl/synchronization/mutex.h>

#include <memory>
#include <string>
#include <string_view>

#include "common/base/rate_limiter.h"
#include "common/net/address.h"
#include "common/net/cidr.h"
#include "common/telemetry/metrics.h"
#include "mailmesh/config/v1/smtp_ingress.pb.h"

namespace mailmesh::smtp_ingress {

// Whom a command comes from, for the limits.
struct Client {
  const net::SocketAddress& peer;
  std::string_view account_id;  // empty: has not logged in
  bool lmtp = false;
};

class Limits {
 public:
  Limits(const config::v1::SmtpLimitsConfig& config, net::CidrSet exempt, telemetry::Registry& registry);

  // Each takes one and says whether there was one to take.
  bool TakeConnection(const Client& client);
  bool TakeMessage(const Client& client);
  bool TakeRecipient(const Client& client);
  // A recipient that does not exist: false when this client has guessed too often.
  bool TakeUnknownRecipient(const Client& client);

  // Counts a session that logged in for as long as it is kept; null where the account has enough of them.
  using SessionPermit = std::shared_ptr<void>;
  SessionPermit AdmitSession(const std::string& account_id);

 private:
  bool Take(base::RateLimiter& by_address, std::string_view address_limit, const Client& client);
  bool TakeFor(base::RateLimiter& limiter, std::string_view limit, std::string_view key);
  void Leave(const std::string& account_id);
  bool IsExempt(const Client& client) const;

  const net::CidrSet exempt_;
  const uint32_t max_account_sessions_;
  const telemetry::CounterFamily refused_;
  base::RateLimiter connections_;
  base::RateLimiter messages_;
  base::RateLimiter recipients_;
  base::RateLimiter unknown_recipients_;
  base::RateLimiter account_messages_;
  base::RateLimiter account_recipients_;
  absl::Mutex mutex_;
  absl::flat_hash_map<std::string, uint32_t> account_sessions_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace mailmesh::smtp_ingress

#endif  // MAILMESH_SERVICES_SMTP_INGRESS_LIMITS_H_
