#include "services/mailmesh/cli/processes.h"

#include <netdb.h>
#include <sys/socket.h>

#include <memory>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/base/status.h"
#include "common/net/endpoint.h"
#include "mailmesh/directory/v1/directory_service.grpc.pb.h"

namespace mailmesh::cli {
namespace {

constexpr std::string_view kDnsScheme = "dns://";

// A name leads to all replicas behind it. NOT_FOUND: it has no address; UNAVAILABLE: nobody could say.
absl::StatusOr<std::vector<std::string>> LookUp(const net::Endpoint& endpoint) {
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(endpoint.host().c_str(), nullptr, &hints, &found);
  if (error == EAI_NONAME || error == EAI_NODATA) return absl::NotFoundError(absl::StrCat(endpoint.ToString(), " has no address"));
  if (error != 0) return absl::UnavailableError(absl::StrCat("cannot look up ", endpoint.ToString(), ": ", gai_strerror(error)));
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, freeaddrinfo);
  std::vector<std::string> addresses;
  for (; found != nullptr; found = found->ai_next) {
    char text[NI_MAXHOST];
    if (getnameinfo(found->ai_addr, found->ai_addrlen, text, sizeof(text), nullptr, 0, NI_NUMERICHOST) != 0) continue;
    addresses.push_back(net::Endpoint::Tcp(text, endpoint.port()).ToString());
  }
  return addresses;
}

}  // namespace

std::vector<std::string> SingleEndpoints(const std::string& endpoint) {
  std::vector<std::string> single;
  std::string_view text = endpoint;
  if (text.starts_with(kDnsScheme)) {
    text.remove_prefix(kDnsScheme.size());
    if (!text.starts_with('/')) return {endpoint};  // a DNS server of its own, which nothing here asks
    text.remove_prefix(1);
  }
  for (const absl::string_view part : absl::StrSplit(absl::string_view(text.data(), text.size()), ',')) {
    const absl::StatusOr<net::Endpoint> parsed = net::Endpoint::Parse({part.data(), part.size()});
    if (!parsed.ok() || parsed->is_unix() || parsed->ip()) {
      single.emplace_back(part);
      continue;
    }
    absl::StatusOr<std::vector<std::string>> addresses = LookUp(*parsed);
    if (!addresses.ok()) addresses = std::vector<std::string>{parsed->ToString()};
    for (std::string& address : *addresses) single.push_back(std::move(address));
  }
  return single;
}

absl::StatusOr<bool> HasAddress(const std::string& endpoint) {
  ASSIGN_OR_RETURN(const net::Endpoint parsed, net::Endpoint::Parse(endpoint));
  if (parsed.is_unix() || parsed.ip()) return true;
  const absl::Status found = LookUp(parsed).status();
  if (absl::IsNotFound(found)) return false;
  RETURN_IF_ERROR(found);
  return true;
}

absl::StatusOr<Processes> FindProcesses(Context& context) {
  using directory::v1::DirectoryService;
  ASSIGN_OR_RETURN(const auto endpoints, context.GrpcEndpoints());
  Processes processes;
  std::set<std::string> known;
  const auto add = [&](const std::string& instance, const std::string& role, const std::string& endpoint) {
    for (std::string& single : SingleEndpoints(endpoint)) {
      if (known.insert(single).second) processes.all.push_back({instance, role, std::move(single)});
    }
  };
  for (const auto& [instance, endpoint] : endpoints) add(instance, instance.substr(0, instance.find('.')), endpoint);
  ASSIGN_OR_RETURN(const auto stub, Connect<DirectoryService>(context, "directory"));
  const auto map = Call(stub.get(), &DirectoryService::Stub::ListShards, directory::v1::ListShardsRequest());
  processes.map = map.status();
  if (!map.ok()) return processes;
  for (const auto& shard : map->shards()) {
    add(absl::StrCat("mailbox_store (shard ", shard.name(), ")"), "mailbox_store", shard.endpoint());
  }
  return processes;
}

}  // namespace mailmesh::cli
