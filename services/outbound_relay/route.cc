#include "services/outbound_relay/route.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/net/endpoint.h"

namespace mailmesh::outbound_relay {
namespace {

// What we note where no server has said anything: RFC 3463, 3.5 (network and routing) and 3.2 (addressing).
smtp::Reply DirectoryAway() { return smtp::Reply(451, {4, 3, 0}, "The routes of this system cannot be read now"); }
smtp::Reply DnsFailure(const std::string& name) { return smtp::Reply(451, {4, 4, 3}, absl::StrCat("DNS look-up of ", name, " failed")); }
smtp::Reply NoSuchDomain(const std::string& name) { return smtp::Reply(550, {5, 1, 2}, absl::StrCat("The domain ", name, " does not exist")); }
// RFC 7505, 4.2.
smtp::Reply NullMx(const std::string& name) { return smtp::Reply(556, {5, 1, 10}, absl::StrCat("The domain ", name, " takes no mail")); }
smtp::Reply NoAddress(const std::string& name) { return smtp::Reply(550, {5, 4, 4}, absl::StrCat("The domain ", name, " has no mail server")); }
smtp::Reply Loop(const std::string& name) { return smtp::Reply(554, {5, 4, 6}, absl::StrCat("Mail for ", name, " loops back to this host")); }

RouteAnswer Failed(smtp::Reply reply) {
  RouteAnswer answer;
  answer.failure = std::move(reply);
  return answer;
}

RouteAnswer FromRoute(const directory::v1::Route& route) {
  RouteAnswer answer;
  answer.lmtp = route.lmtp();
  answer.tls = route.tls_policy();
  for (const std::string& text : route.next_hops()) {
    const auto endpoint = net::Endpoint::Parse(text);
    if (endpoint.ok() && !endpoint->is_unix()) answer.hops.push_back({endpoint->host(), endpoint->port(), {}});
  }
  if (answer.hops.empty()) answer.failure = smtp::Reply(451, {4, 3, 5}, "The route of the domain cannot be used");
  return answer;
}

// RFC 5321, 4.1.3: user@[192.0.2.1].
RouteAnswer FromLiteral(const std::string& domain, uint16_t port) {
  std::string text = domain.substr(1, domain.size() - 2);
  if (absl::StartsWithIgnoreCase(text, "IPv6:")) text.erase(0, 5);
  const auto address = net::IpAddress::Parse(text);
  if (!address.ok()) return Failed(NoSuchDomain(domain));
  RouteAnswer answer;
  answer.hops.push_back({text, port, {net::SocketAddress(*address, port)}});
  return answer;
}

// Adds a host's addresses as a hop. A host without addresses is left out; false: the look-up failed.
net::Awaitable<bool> AddHost(Relay& relay, std::string host, RouteAnswer& answer) {
  const net::TimePoint deadline = net::After(relay.options.dns_timeout);
  auto found = co_await relay.resolver->ResolveAddresses(host, deadline);
  if (!found.ok()) co_return absl::IsInvalidArgument(found.status());
  if (found->addresses.empty()) co_return true;
  Hop hop{host, relay.options.smtp_port, {}};
  for (const net::IpAddress& address : found->addresses) hop.addresses.emplace_back(address, relay.options.smtp_port);
  answer.hops.push_back(std::move(hop));
  co_return true;
}

net::Awaitable<RouteAnswer> ByMx(Relay& relay, std::string domain) {
  const net::TimePoint deadline = net::After(relay.options.dns_timeout);
  auto mx = co_await relay.resolver->ResolveMx(domain, deadline);
  if (!mx.ok()) co_return Failed(absl::IsInvalidArgument(mx.status()) ? NoSuchDomain(domain) : DnsFailure(domain));
  if (mx->null_mx) co_return Failed(NullMx(domain));
  if (mx->existence == dns::Existence::kNxDomain) co_return Failed(NoSuchDomain(domain));
  RouteAnswer answer;
  bool all_answered = true;
  if (mx->records.empty()) {
    // RFC 5321, 5.1: no MX: the domain itself is the host.
    all_answered = co_await AddHost(relay, domain, answer);
  }
  for (const dns::MxRecord& record : mx->records) {
    // RFC 5321, 5.1: neither ourselves nor anybody less preferred than ourselves.
    if (absl::EqualsIgnoreCase(record.exchange, relay.options.hostname)) {
      if (answer.hops.empty()) co_return Failed(Loop(domain));
      break;
    }
    bool answered = co_await AddHost(relay, record.exchange, answer);
    all_answered = all_answered && answered;
  }
  if (answer.hops.empty()) co_return Failed(all_answered ? NoAddress(domain) : DnsFailure(domain));
  co_return answer;
}

}  // namespace

net::Awaitable<RouteAnswer> FindRoute(Relay& relay, std::string domain) {
  const net::TimePoint deadline = net::After(relay.options.dns_timeout);
  auto route = co_await relay.lookups.GetRoute(domain, deadline);
  if (!route.ok()) co_return Failed(DirectoryAway());
  if (route->has_value()) co_return FromRoute(**route);
  if (domain.starts_with('[')) co_return FromLiteral(domain, relay.options.smtp_port);
  co_return co_await ByMx(relay, std::move(domain));
}

}  // namespace mailmesh::outbound_relay
