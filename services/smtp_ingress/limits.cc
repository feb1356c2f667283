#include "services/smtp_ingress/limits.h"

#include <utility>

#include "common/net/client_prefix.h"
#include "common/net/proxy_accept.h"

namespace mailmesh::smtp_ingress {
namespace {

base::RateLimiter::Options Rate(uint32_t burst, base::RateLimiter::Duration period, const config::v1::SmtpLimitsConfig& config) {
  base::RateLimiter::Options options;
  options.burst = burst;
  options.period = period;
  options.max_keys = config.max_tracked();
  return options;
}

}  // namespace

Limits::Limits(const config::v1::SmtpLimitsConfig& config, net::CidrSet exempt, telemetry::Registry& registry)
    : exempt_(std::move(exempt)),
      max_account_sessions_(config.account().max_sessions()),
      refused_(registry.AddCounterFamily("mailmesh_smtp_limited_total", "Connections and commands refused for a rate limit.",
                                         {{"limit",
                                           {"connections", "messages", "recipients", "unknown_recipients", "account_messages",
                                            "account_recipients", "account_sessions"}}})),
      connections_(Rate(config.address().connections_per_minute(), std::chrono::minutes(1), config)),
      messages_(Rate(config.address().messages_per_minute(), std::chrono::minutes(1), config)),
      recipients_(Rate(config.address().recipients_per_minute(), std::chrono::minutes(1), config)),
      unknown_recipients_(Rate(config.address().unknown_recipients_per_minute(), std::chrono::minutes(1), config)),
      account_messages_(Rate(config.account().messages_per_hour(), std::chrono::hours(1), config)),
      account_recipients_(Rate(config.account().recipients_per_hour(), std::chrono::hours(1), config)) {}

bool Limits::IsExempt(const Client& client) const {
  // Nobody: a load balancer that looks whether we are there.
  return client.lmtp || client.peer.is_local() || net::IsNobody(client.peer) || exempt_.Contains(client.peer);
}

bool Limits::TakeFor(base::RateLimiter& limiter, std::string_view limit, std::string_view key) {
  if (limiter.Take(key)) return true;
  refused_.With({limit}).Increment();
  return false;
}

bool Limits::Take(base::RateLimiter& by_address, std::string_view address_limit, const Client& client) {
  return IsExempt(client) || TakeFor(by_address, address_limit, net::ClientPrefix(client.peer.ip()).ToString());
}

bool Limits::TakeConnection(const Client& client) { return Take(connections_, "connections", client); }

bool Limits::TakeMessage(const Client& client) {
  if (!client.account_id.empty()) return TakeFor(account_messages_, "account_messages", client.account_id);
  return Take(messages_, "messages", client);
}

bool Limits::TakeRecipient(const Client& client) {
  if (!client.account_id.empty()) return TakeFor(account_recipients_, "account_recipients", client.account_id);
  return Take(recipients_, "recipients", client);
}

bool Limits::TakeUnknownRecipient(const Client& client) {
  return !client.account_id.empty() || Take(unknown_recipients_, "unknown_recipients", client);
}

Limits::SessionPermit Limits::AdmitSession(const std::string& account_id) {
  {
    absl::MutexLock lock(&mutex_);
    uint32_t& sessions = account_sessions_[account_id];
    if (max_account_sessions_ > 0 && sessions >= max_account_sessions_) {
      refused_.With({"account_sessions"}).Increment();
      return nullptr;
    }
    ++sessions;
  }
  return SessionPermit(static_cast<void*>(this), [this, account_id](void*) { Leave(account_id); });
}

void Limits::Leave(const std::string& account_id) {
  absl::MutexLock lock(&mutex_);
  const auto found = account_sessions_.find(account_id);
  if (found != account_sessions_.end() && --found->second == 0) account_sessions_.erase(found);
}

}  // namespace mailmesh::smtp_ingress
