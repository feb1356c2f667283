// A resolver that answers from a table. For tests only; it lives in no library that a process links.
#ifndef MAILMESH_COMMON_DNS_FAKE_RESOLVER_FOR_TEST_H_
#define MAILMESH_COMMON_DNS_FAKE_RESOLVER_FOR_TEST_H_

#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "common/dns/resolver.h"

namespace mailmesh::dns {

// What was not put in is NXDOMAIN. Keys are lower case without the final dot; PTR by the address's text.
class FakeResolverForTest final : public Resolver {
 public:
  template <typename Answer>
  using Table = std::map<std::string, absl::StatusOr<Answer>>;

  Table<MxAnswer> mx;
  Table<AddressAnswer> addresses;
  Table<TlsaAnswer> tlsa;
  Table<TxtAnswer> txt;
  Table<NameAnswer> ptr;

  void AddMx(const std::string& domain, uint16_t preference, std::string exchange) {
    auto [it, fresh] = mx.try_emplace(domain, MxAnswer());
    it->second->existence = Existence::kFound;
    it->second->canonical_name = domain;
    it->second->records.push_back(MxRecord{preference, std::move(exchange)});
  }
  void AddAddress(const std::string& host, std::string_view address) {
    auto [it, fresh] = addresses.try_emplace(host, AddressAnswer());
    it->second->existence = Existence::kFound;
    it->second->canonical_name = host;
    it->second->addresses.push_back(net::IpAddress::Parse(address).value());
  }

  net::Awaitable<absl::StatusOr<MxAnswer>> ResolveMx(std::string domain, net::TimePoint) override {
    co_return Find(mx, domain);
  }
  net::Awaitable<absl::StatusOr<AddressAnswer>> ResolveAddresses(std::string host, net::TimePoint) override {
    co_return Find(addresses, host);
  }
  net::Awaitable<absl::StatusOr<TlsaAnswer>> ResolveTlsa(std::string name, net::TimePoint) override {
    co_return Find(tlsa, name);
  }
  net::Awaitable<absl::StatusOr<TxtAnswer>> ResolveTxt(std::string name, net::TimePoint) override {
    co_return Find(txt, name);
  }
  net::Awaitable<absl::StatusOr<NameAnswer>> ResolvePtr(net::IpAddress address, net::TimePoint) override {
    co_return Find(ptr, address.ToString());
  }

 private:
  template <typename Answer>
  static absl::StatusOr<Answer> Find(const Table<Answer>& table, const std::string& key) {
    auto it = table.find(key);
    if (it != table.end()) return it->second;
    Answer none;
    none.existence = Existence::kNxDomain;
    none.canonical_name = key;
    return none;
  }
};

}  // namespace mailmesh::dns

#endif  // MAILMESH_COMMON_DNS_FAKE_RESOLVER_FOR_TEST_H_
