#include "common/dns/unbound_options.h"

#include <absl/strings/str_cat.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "common/net/address.h"
#include "common/net/endpoint.h"

namespace mailmesh::dns {
namespace {

absl::Status Check(int error, const std::string& doing) {
  if (error == UB_NOERROR) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(doing, ": ", ub_strerror(error)));
}

// libunbound writes a port after '@': "127.0.0.1@5353".
absl::StatusOr<std::string> ServerText(const std::string& server) {
  if (net::IpAddress::Parse(server).ok()) return server;
  absl::StatusOr<net::Endpoint> endpoint = net::Endpoint::Parse(server);
  if (!endpoint.ok() || !endpoint->ip().has_value() || endpoint->port() == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("not a name server: \"", server, "\"; write an IP address, or address:port"));
  }
  return absl::StrCat(endpoint->ip()->ToString(), "@", endpoint->port());
}

absl::Status ApplyForwarders(ub_ctx* context, const UnboundOptions& options) {
  for (const std::string& server : options.forward_servers) {
    absl::StatusOr<std::string> text = ServerText(server);
    if (!text.ok()) return text.status();
    if (absl::Status status = Check(ub_ctx_set_fwd(context, text->c_str()), server); !status.ok()) return status;
  }
  if (options.forward_servers.empty() && !options.resolv_conf.empty()) {
    return Check(ub_ctx_resolvconf(context, options.resolv_conf.c_str()), options.resolv_conf);
  }
  return absl::OkStatus();
}

absl::Status ApplyZones(ub_ctx* context, const UnboundOptions& options) {
  for (const auto& [zone, server] : options.stub_zones) {
    absl::StatusOr<std::string> text = ServerText(server);
    if (!text.ok()) return text.status();
    // Some zones have built-in answers (RFC 6761, RFC 6303); a zone with a server of its own has not.
    const std::string transparent = absl::StrCat(zone, " transparent");
    if (absl::Status status = Check(ub_ctx_set_option(context, "local-zone:", transparent.c_str()), zone);
        !status.ok()) {
      return status;
    }
    if (absl::Status status = Check(ub_ctx_set_stub(context, zone.c_str(), text->c_str(), 0), zone); !status.ok()) {
      return status;
    }
  }
  return absl::OkStatus();
}

absl::Status ApplyGeneral(ub_ctx* context, const UnboundOptions& options) {
  struct Option {
    const char* name;
    std::string value;
  };
  std::vector<Option> list = {
      {"do-not-query-localhost:", "no"},  // a forwarder on this machine is common
      {"msg-cache-size:", absl::StrCat(options.cache_bytes / 3)},
      {"rrset-cache-size:", absl::StrCat(options.cache_bytes * 2 / 3)},
      {"key-cache-size:", absl::StrCat(options.cache_bytes / 8)},
      // As a library it has 16 sockets; a busy relay asks more at a time, and what waits for a socket too long fails.
      {"outgoing-range:", absl::StrCat(std::min<size_t>(options.max_outstanding, 256))},
      {"num-queries-per-thread:", absl::StrCat(options.max_outstanding * 2)},
      // Names of private networks (RFC 6303) are for the forwarder to know, not for a built-in denial.
      {"unblock-lan-zones:", "yes"},
      {"insecure-lan-zones:", "yes"},
  };
  // Whoever names forwarders says that they know everything: also ".test" (RFC 6761, 6.2), as our own tests use it.
  if (!options.forward_servers.empty()) list.push_back({"local-zone:", "test. transparent"});
  for (const Option& option : list) {
    if (absl::Status status = Check(ub_ctx_set_option(context, option.name, option.value.c_str()), option.name);
        !status.ok()) {
      return status;
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ApplyOptions(ub_ctx* context, const UnboundOptions& options) {
  // Its messages would go to our stderr, unstructured; what matters comes with each answer.
  ub_ctx_debugout(context, nullptr);
  ub_ctx_debuglevel(context, 0);
  if (absl::Status status = ApplyGeneral(context, options); !status.ok()) return status;
  if (absl::Status status = ApplyForwarders(context, options); !status.ok()) return status;
  if (absl::Status status = ApplyZones(context, options); !status.ok()) return status;
  // A minimal container has none, and needs none.
  if (!options.hosts_file.empty() && access(options.hosts_file.c_str(), R_OK) == 0) {
    absl::Status status = Check(ub_ctx_hosts(context, options.hosts_file.c_str()), options.hosts_file);
    if (!status.ok()) return status;
  }
  if (!options.trust_anchor_file.empty()) {
    const std::string& file = options.trust_anchor_file;
    if (absl::Status status = Check(ub_ctx_add_ta_file(context, file.c_str()), file); !status.ok()) return status;
  }
  // Work in a thread, not in a forked process.
  return Check(ub_ctx_async(context, 1), "libunbound");
}

}  // namespace mailmesh::dns
