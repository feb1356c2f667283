#include "services/outbound_relay/route.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/net/endpoint.h"
#include "common/telemetry/log.h"

namespace mailmesh::outbound_relay {
namespace {

// A domain that names more is odd or hostile.
constexpr size_t kMaxExchanges = 16;

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

// A password that cannot be opened is a fault of ours: the mail waits.
void AddCredentials(Relay& relay, const directory::v1::Route& route, const telemetry::Trace& trace, RouteAnswer& answer) {
  if (route.user().empty()) return;
  absl::StatusOr<base::Secret> password = relay.secrets.Open(route.domain(), route.user(), route.sealed_password());
  if (!password.ok()) {
    telemetry::Error("password of a route not opened", {trace, {"domain", route.domain()}, {"error", base::Message(password.status())}});
    answer.failure = smtp::Reply(451, {4, 3, 5}, "The password of the route cannot be used");
    return;
  }
  answer.credentials = sasl::ClientCredentials{route.user(), *std::move(password)};
}

enum class Host { kAdded, kNothing, kOurselves, kUnknown };

// Adds a host's addresses as a hop. kNothing: it has none; kOurselves: one of them is ours; kUnknown: the look-up failed.
net::Awaitable<Host> AddHost(Relay& relay, std::string host, net::TimePoint deadline, RouteAnswer& answer) {
  auto found = co_await relay.resolver->ResolveAddresses(host, deadline);
  // RFC 5321, 5.1: an exchange is a domain name; what is an address (a common mistake) is no host.
  if (!found.ok()) co_return absl::IsInvalidArgument(found.status()) ? Host::kNothing : Host::kUnknown;
  if (found->addresses.empty()) co_return Host::kNothing;
  Hop hop{host, relay.options.smtp_port, {}};
  for (const net::IpAddress& address : found->addresses) {
    if (relay.options.own_addresses.contains(address)) co_return Host::kOurselves;
    hop.addresses.emplace_back(address, relay.options.smtp_port);
  }
  answer.hops.push_back(std::move(hop));
  co_return Host::kAdded;
}

// The hops of a domain's MX records, which are in the order to be tried. False: some host's addresses are not known.
net::Awaitable<bool> AddExchanges(Relay& relay, const std::vector<dns::MxRecord>& records, net::TimePoint deadline, RouteAnswer& answer,
                                  bool& ourselves) {
  bool all_known = true;
  size_t better = 0;  // hops of lower preference values than the record's
  std::optional<uint16_t> preference;
  for (size_t i = 0; i < records.size() && i < kMaxExchanges; ++i) {
    const dns::MxRecord& record = records[i];
    if (record.preference != preference) better = answer.hops.size();
    preference = record.preference;
    Host host = Host::kOurselves;
    if (!absl::EqualsIgnoreCase(record.exchange, relay.options.hostname)) host = co_await AddHost(relay, record.exchange, deadline, answer);
    if (host == Host::kUnknown) all_known = false;
    if (host == Host::kOurselves) {
      // RFC 5321, 5.1: neither ourselves nor anybody who is not preferred to ourselves.
      answer.hops.resize(better);
      ourselves = true;
      break;
    }
  }
  co_return all_known;
}

net::Awaitable<RouteAnswer> ByMx(Relay& relay, std::string domain) {
  // One limit for all look-ups: a domain with many dead name servers is not worth more.
  const net::TimePoint deadline = net::After(2 * relay.options.dns_timeout);
  auto mx = co_await relay.resolver->ResolveMx(domain, deadline);
  if (!mx.ok()) co_return Failed(absl::IsInvalidArgument(mx.status()) ? NoSuchDomain(domain) : DnsFailure(domain));
  if (mx->null_mx) co_return Failed(NullMx(domain));
  if (mx->existence == dns::Existence::kNxDomain) co_return Failed(NoSuchDomain(domain));
  RouteAnswer answer;
  bool ourselves = false;
  bool all_known = true;
  if (mx->records.empty() && !mx->found()) {
    // RFC 5321, 5.1: no MX: the domain itself is the host.
    const Host host = co_await AddHost(relay, domain, deadline, answer);
    all_known = host != Host::kUnknown;
    ourselves = host == Host::kOurselves;
  } else {
    all_known = co_await AddExchanges(relay, mx->records, deadline, answer, ourselves);
  }
  if (!answer.hops.empty()) co_return answer;
  // A better host whose addresses are not known now may still take the mail.
  if (!all_known) co_return Failed(DnsFailure(domain));
  co_return Failed(ourselves ? Loop(domain) : NoAddress(domain));
}

}  // namespace

RouteAnswer FromRoute(const directory::v1::Route& route) {
  RouteAnswer answer;
  answer.lmtp = route.lmtp();
  answer.tls = route.tls_policy();
  answer.implicit_tls = route.implicit_tls();
  for (const std::string& text : route.next_hops()) {
    const auto endpoint = net::Endpoint::Parse(text);
    if (endpoint.ok() && !endpoint->is_unix()) answer.hops.push_back({endpoint->host(), endpoint->port(), {}});
  }
  if (answer.hops.empty()) answer.failure = smtp::Reply(451, {4, 3, 5}, "The route of the domain cannot be used");
  return answer;
}

net::Awaitable<RouteAnswer> FindRoute(Relay& relay, std::string domain, telemetry::Trace trace) {
  const net::TimePoint deadline = net::After(relay.options.dns_timeout);
  auto route = co_await relay.lookups.GetRoute(domain, deadline, trace);
  if (!route.ok()) co_return Failed(DirectoryAway());
  if (route->has_value()) {
    RouteAnswer answer = FromRoute(**route);
    AddCredentials(relay, **route, trace, answer);
    co_return answer;
  }
  if (domain.starts_with('[')) co_return FromLiteral(domain, relay.options.smtp_port);
  co_return co_await ByMx(relay, std::move(domain));
}

}  // namespace mailmesh::outbound_relay
