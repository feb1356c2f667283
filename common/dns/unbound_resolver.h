// The resolver of production: libunbound, which recurses, caches and validates DNSSEC in a thread of its own.
//
// Its descriptor is watched on the executor given, where callbacks run; answers go to the caller's executor.
// Thread-safety: as Resolver. Destroy it after the pool has stopped, or when no look-up is in flight.
// Limits: at most `max_outstanding` look-ups at a time; more are Unavailable.
#ifndef MAILMESH_COMMON_DNS_UNBOUND_RESOLVER_H_
#define MAILMESH_COMMON_DNS_UNBOUND_RESOLVER_H_

#include <absl/status/statusor.h>

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/dns/resolver.h"
#include "common/net/awaitable.h"

namespace mailmesh::dns {

struct UnboundOptions {
  // "192.0.2.53" or "127.0.0.1:5353", "[::1]:53". Empty: `resolv_conf`; empty too: recursion from the root.
  std::vector<std::string> forward_servers{};
  std::string resolv_conf = "/etc/resolv.conf";
  std::string hosts_file = "/etc/hosts";
  // The root key (RFC 5011 state is not kept) or, in tests, DS or DNSKEY records. Empty: no validation, all is
  // insecure.
  std::string trust_anchor_file{};
  // Zones that have private servers: "test." -> "127.0.0.1:5300".
  std::map<std::string, std::string> stub_zones{};
  size_t max_outstanding = 1000;
  size_t cache_bytes = 16 << 20;
};

class UnboundResolver final : public Resolver {
 public:
  static absl::StatusOr<std::unique_ptr<UnboundResolver>> Create(net::Executor executor, const UnboundOptions& options);
  ~UnboundResolver() override;

  net::Awaitable<absl::StatusOr<MxAnswer>> ResolveMx(std::string domain, net::TimePoint deadline) override;
  net::Awaitable<absl::StatusOr<AddressAnswer>> ResolveAddresses(std::string host, net::TimePoint deadline) override;
  net::Awaitable<absl::StatusOr<TlsaAnswer>> ResolveTlsa(std::string name, net::TimePoint deadline) override;
  net::Awaitable<absl::StatusOr<TxtAnswer>> ResolveTxt(std::string name, net::TimePoint deadline) override;
  net::Awaitable<absl::StatusOr<NameAnswer>> ResolvePtr(net::IpAddress address, net::TimePoint deadline) override;

 private:
  class Engine;
  explicit UnboundResolver(std::shared_ptr<Engine> engine);
  std::shared_ptr<Engine> engine_;  // shared with the coroutine that watches the descriptor
};

}  // namespace mailmesh::dns

#endif  // MAILMESH_COMMON_DNS_UNBOUND_RESOLVER_H_
