// mailmesh_dns_lookup_seconds: how long look-ups took, by what was asked for and what came of it. Names never get into it.
// Thread-safety: as Resolver.
#ifndef MAILMESH_COMMON_DNS_METERED_RESOLVER_H_
#define MAILMESH_COMMON_DNS_METERED_RESOLVER_H_

#include <memory>
#include <string>

#include "common/dns/resolver.h"
#include "common/telemetry/metrics.h"

namespace mailmesh::dns {

class MeteredResolver final : public Resolver {
 public:
  // The registry outlives it.
  MeteredResolver(std::unique_ptr<Resolver> resolver, telemetry::Registry& registry);

  net::Awaitable<absl::StatusOr<MxAnswer>> ResolveMx(std::string domain, net::TimePoint deadline) override;
  net::Awaitable<absl::StatusOr<AddressAnswer>> ResolveAddresses(std::string host, net::TimePoint deadline) override;
  net::Awaitable<absl::StatusOr<TlsaAnswer>> ResolveTlsa(std::string name, net::TimePoint deadline) override;
  net::Awaitable<absl::StatusOr<TxtAnswer>> ResolveTxt(std::string name, net::TimePoint deadline) override;
  net::Awaitable<absl::StatusOr<NameAnswer>> ResolvePtr(net::IpAddress address, net::TimePoint deadline) override;

 private:
  const std::unique_ptr<Resolver> resolver_;
  const telemetry::HistogramFamily seconds_;  // type, result
};

}  // namespace mailmesh::dns

#endif  // MAILMESH_COMMON_DNS_METERED_RESOLVER_H_
