#include "services/mailmesh/cli/addresses.h"

#include <netdb.h>
#include <netinet/in.h>

#include <memory>
#include <set>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/net/endpoint.h"

namespace mailmesh::cli {
namespace {

using AddressList = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

}  // namespace

absl::StatusOr<std::vector<std::string>> ResolveEndpoint(const std::string& endpoint) {
  ASSIGN_OR_RETURN(const net::Endpoint parsed, net::Endpoint::Parse(endpoint));
  if (parsed.is_unix() || parsed.ip()) return std::vector<std::string>{endpoint};
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(parsed.host().c_str(), nullptr, &hints, &found);
  const AddressList list(found, &freeaddrinfo);
  if (error == EAI_NONAME || error == EAI_NODATA) return absl::NotFoundError(absl::StrCat(parsed.host(), " has no address"));
  if (error != 0) return absl::UnavailableError(absl::StrCat(parsed.host(), ": ", gai_strerror(error)));
  std::set<std::string> addresses;
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    char host[NI_MAXHOST];
    if (getnameinfo(one->ai_addr, one->ai_addrlen, host, sizeof(host), nullptr, 0, NI_NUMERICHOST) != 0) continue;
    addresses.insert(net::Endpoint::Tcp(host, parsed.port()).ToString());
  }
  return std::vector<std::string>(addresses.begin(), addresses.end());
}

}  // namespace mailmesh::cli
