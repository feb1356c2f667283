#include "common/dns/metered_resolver.h"

#include <utility>

namespace mailmesh::dns {
namespace {

const char* ResultName(const absl::Status& status) {
  if (IsBogus(status)) return "bogus";
  if (absl::IsDeadlineExceeded(status)) return "timeout";
  return absl::IsInvalidArgument(status) ? "no_name" : "failed";
}

const char* ResultName(Existence existence) {
  switch (existence) {
    case Existence::kFound: return "found";
    case Existence::kNoData: return "no_data";
    case Existence::kNxDomain: return "nxdomain";
  }
  return "failed";
}

template <class Answer>
net::Awaitable<absl::StatusOr<Answer>> Timed(telemetry::HistogramFamily seconds, const char* type,
                                             net::Awaitable<absl::StatusOr<Answer>> lookup) {
  const net::TimePoint start = net::Clock::now();
  absl::StatusOr<Answer> answer = co_await std::move(lookup);
  const std::chrono::duration<double> took = net::Clock::now() - start;
  seconds.With({type, answer.ok() ? ResultName(answer->existence) : ResultName(answer.status())}).Observe(took.count());
  co_return answer;
}

}  // namespace

MeteredResolver::MeteredResolver(std::unique_ptr<Resolver> resolver, telemetry::Registry& registry)
    : resolver_(std::move(resolver)),
      seconds_(registry.AddHistogramFamily("mailmesh_dns_lookup_seconds", "Time of a look-up in the DNS; those that the resolver's cache answers too.",
                                           {{"type", {"mx", "address", "tlsa", "txt", "ptr"}},
                                            {"result", {"found", "no_data", "nxdomain", "no_name", "bogus", "timeout", "failed"}}},
                                           telemetry::LatencyBuckets())) {}

net::Awaitable<absl::StatusOr<MxAnswer>> MeteredResolver::ResolveMx(std::string domain, net::TimePoint deadline) {
  return Timed(seconds_, "mx", resolver_->ResolveMx(std::move(domain), deadline));
}

net::Awaitable<absl::StatusOr<AddressAnswer>> MeteredResolver::ResolveAddresses(std::string host, net::TimePoint deadline) {
  return Timed(seconds_, "address", resolver_->ResolveAddresses(std::move(host), deadline));
}

net::Awaitable<absl::StatusOr<TlsaAnswer>> MeteredResolver::ResolveTlsa(std::string name, net::TimePoint deadline) {
  return Timed(seconds_, "tlsa", resolver_->ResolveTlsa(std::move(name), deadline));
}

net::Awaitable<absl::StatusOr<TxtAnswer>> MeteredResolver::ResolveTxt(std::string name, net::TimePoint deadline) {
  return Timed(seconds_, "txt", resolver_->ResolveTxt(std::move(name), deadline));
}

net::Awaitable<absl::StatusOr<NameAnswer>> MeteredResolver::ResolvePtr(net::IpAddress address, net::TimePoint deadline) {
  return Timed(seconds_, "ptr", resolver_->ResolvePtr(address, deadline));
}

}  // namespace mailmesh::dns
