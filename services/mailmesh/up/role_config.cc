#include "services/mailmesh/up/role_config.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "common/base/file.h"
#include "common/base/random.h"
#include "common/base/status.h"
#include "common/base/units.h"
#include "common/net/endpoint.h"
#include "common/net/listen_socket.h"
#include "services/mailmesh/up/identity.h"
#include "services/mailmesh/up/roles.h"

namespace mailmesh::up {
namespace {

constexpr uint64_t kMinLogFile = 64 << 10;
constexpr int kMaxLogFiles = 100;

bool IsRole(const std::string& name) {
  return std::any_of(Roles().begin(), Roles().end(), [&](const Role& role) { return role.name == name; });
}

int Replicas(const UpOptions& options, const std::string& role) {
  const auto found = options.replicas.find(role);
  return found == options.replicas.end() ? 1 : found->second;
}

// Maps are merged key by key; everything else of `from` replaces what is there.
void Merge(YAML::Node into, const YAML::Node& from) {
  for (const auto& entry : from) {
    const std::string key = entry.first.as<std::string>();
    if (entry.second.IsMap() && into[key] && into[key].IsMap()) {
      Merge(into[key], entry.second);
    } else {
      into[key] = entry.second;
    }
  }
}

absl::Status ReadReplicas(const YAML::Node& node, const std::string& file, UpOptions& options) {
  for (const auto& entry : node) {
    const std::string role = entry.first.as<std::string>();
    const int count = entry.second.as<int>();
    if (!IsRole(role)) return absl::InvalidArgumentError(absl::StrCat(file, ": replicas: no such role: ", role));
    if (count < 1 || count > kMaxReplicas || (role == "directory" && count != 1)) {
      return absl::InvalidArgumentError(absl::StrCat(file, ": replicas.", role, ": must be 1",
                                                     role == "directory" ? "" : absl::StrCat(" to ", kMaxReplicas)));
    }
    options.replicas[role] = count;
  }
  return absl::OkStatus();
}

absl::Status ReadLogLimits(const YAML::Node& node, const std::string& file, LogLimits& limits) {
  if (!node.IsMap()) return absl::InvalidArgumentError(absl::StrCat(file, ": log: must be a map"));
  for (const auto& entry : node) {
    const std::string key = entry.first.as<std::string>();
    if (key == "file_bytes") {
      const auto size = base::ParseSize(entry.second.as<std::string>());
      if (!size.ok() || *size < kMinLogFile) {
        return absl::InvalidArgumentError(absl::StrCat(file, ": log.file_bytes: must be a size of at least 64KiB"));
      }
      limits.file_bytes = *size;
    } else if (key == "files") {
      limits.files = entry.second.as<int>();
      if (limits.files < 1 || limits.files > kMaxLogFiles) {
        return absl::InvalidArgumentError(absl::StrCat(file, ": log.files: must be 1 to ", kMaxLogFiles));
      }
    } else {
      return absl::InvalidArgumentError(absl::StrCat(file, ": log: unknown key: ", key, " (file_bytes or files is expected)"));
    }
  }
  return absl::OkStatus();
}

// Chooses ports of 127.0.0.1 that are free and different, below the range from which the kernel takes ports for outgoing
// connections, so that a role that starts again finds its port free.
class FreePorts {
 public:
  absl::StatusOr<uint16_t> Choose() {
    for (int attempt = 0; attempt < 100; ++attempt) {
      const auto port = static_cast<uint16_t>(20000 + base::RandomBelow(12000));
      if (chosen_.contains(port) || !net::ListenSocket::Bind(net::Endpoint::Tcp("127.0.0.1", port)).ok()) continue;
      chosen_.insert(port);
      return port;
    }
    return absl::UnavailableError("no free port on 127.0.0.1 between 20000 and 32000");
  }

 private:
  std::set<uint16_t> chosen_;
};

absl::StatusOr<std::string> LoopbackAddress(FreePorts& free_ports, uint16_t base, uint16_t offset, int replica) {
  uint16_t port = static_cast<uint16_t>(base + offset + replica);
  if (base == 0) {
    ASSIGN_OR_RETURN(port, free_ports.Choose());
  }
  return absl::StrCat("127.0.0.1:", port);
}

// All instances of the role: its callers spread to them.
YAML::Node Peer(const UpOptions& options, const AddressMap& addresses, const std::string& role) {
  std::string endpoints;
  for (int replica = 0; replica < Replicas(options, role); ++replica) {
    absl::StrAppend(&endpoints, replica == 0 ? "" : ",", addresses.at(InstanceName(role, replica)).grpc);
  }
  YAML::Node node;
  node["endpoint"] = endpoints;
  return node;
}

YAML::Node CommonSection(const Layout& layout, const UpOptions& options, const AddressMap& addresses, const Role& role,
                         const std::string& instance) {
  YAML::Node common;
  common["name"] = instance;
  common["log"]["format"] = "text";
  common["admin"]["listen"] = addresses.at(instance).admin;
  common["grpc"]["listen"] = addresses.at(instance).grpc;
  if (options.grpc_tcp) {
    const IdentityFiles files = FilesOf(layout, role.name);
    common["grpc"]["tls"]["certificate"] = files.certificate;
    common["grpc"]["tls"]["private_key"] = files.key;
    common["grpc"]["tls"]["authority"] = files.authority;
  }
  for (const std::string& peer : role.peers) common["peers"][peer] = Peer(options, addresses, peer);
  return common;
}

void AddGatewaySettings(const Layout& layout, const UpOptions& options, const Role& role, YAML::Node config) {
  config["hostname"] = options.hostname;
  const IdentityFiles server = FilesOf(layout, pki::kPublicBundle);
  YAML::Node certificate;
  certificate["certificate"] = server.certificate;
  certificate["private_key"] = server.key;
  config["tls"]["certificates"].push_back(certificate);
  // Everything listens on 127.0.0.1 only; the supervisor says so when it is ready.
  config["auth"]["allow_plaintext_on_loopback"] = true;
  for (const ProtocolPort& port : role.ports) config[port.name]["max_sessions"] = 10000;
}

}  // namespace

absl::Status ReadUpConfig(const std::string& file, UpOptions& options) {
  try {
    const YAML::Node root = YAML::LoadFile(file);
    if (!root.IsNull() && !root.IsMap()) return absl::InvalidArgumentError(absl::StrCat(file, ": must be a map"));
    for (const auto& entry : root) {
      const std::string key = entry.first.as<std::string>();
      if (key == "hostname") {
        options.hostname = entry.second.as<std::string>();
      } else if (key == "grpc") {
        const std::string kind = entry.second.as<std::string>();
        if (kind != "unix" && kind != "tcp") {
          return absl::InvalidArgumentError(absl::StrCat(file, ": grpc: must be unix or tcp"));
        }
        options.grpc_tcp = kind == "tcp";
      } else if (key == "replicas") {
        RETURN_IF_ERROR(ReadReplicas(entry.second, file, options));
      } else if (key == "log") {
        RETURN_IF_ERROR(ReadLogLimits(entry.second, file, options.log));
      } else if (IsRole(key)) {
        if (!entry.second.IsMap()) return absl::InvalidArgumentError(absl::StrCat(file, ": ", key, ": must be a map"));
        options.roles[key] = YAML::Dump(entry.second);
      } else {
        return absl::InvalidArgumentError(absl::StrCat(file, ":", entry.first.Mark().line + 1, ": unknown key: ", key,
                                                       " (hostname, grpc, replicas, log or a role is expected)"));
      }
    }
  } catch (const YAML::Exception& error) {
    return absl::InvalidArgumentError(absl::StrCat(file, ": ", error.what()));
  }
  return absl::OkStatus();
}

absl::StatusOr<AddressMap> ChooseAddresses(const Layout& layout, const UpOptions& options) {
  AddressMap addresses;
  FreePorts free_ports;
  for (const Role& role : Roles()) {
    for (int replica = 0; replica < Replicas(options, role.name); ++replica) {
      const std::string instance = InstanceName(role.name, replica);
      InstanceAddresses chosen;
      ASSIGN_OR_RETURN(chosen.admin, LoopbackAddress(free_ports, options.port_base, role.admin_offset, replica));
      if (options.grpc_tcp) {
        ASSIGN_OR_RETURN(chosen.grpc, LoopbackAddress(free_ports, options.port_base, role.grpc_offset, replica));
      } else {
        chosen.grpc = absl::StrCat("unix:", layout.run, "/", instance, ".sock");
      }
      addresses[instance] = chosen;
    }
  }
  return addresses;
}

absl::StatusOr<std::string> WriteRoleConfig(const Layout& layout, const UpOptions& options, const AddressMap& addresses,
                                            const std::string& role_name, int replica) {
  const Role& role = *std::find_if(Roles().begin(), Roles().end(), [&](const Role& r) { return r.name == role_name; });
  const std::string instance = InstanceName(role_name, replica);
  YAML::Node config;
  config["common"] = CommonSection(layout, options, addresses, role, instance);
  const std::string data = layout.data() + "/" + instance;
  if (!role.ports.empty()) AddGatewaySettings(layout, options, role, config);
  if (role_name == "directory") {
    config["database"]["path"] = data;
    for (int shard = 0; shard < Replicas(options, "mailbox_store"); ++shard) {
      config["shards"][std::to_string(shard)] = addresses.at(InstanceName("mailbox_store", shard)).grpc;
    }
  } else if (role_name == "mailbox_store") {
    config["database"]["path"] = data;
    config["shard"] = std::to_string(replica);
    config["backup"]["path"] = absl::StrCat(layout.backup(), "/", instance);
  } else if (role_name == "outbound_relay") {
    config["key_ring"] = layout.data() + "/keys";
    config["spool"]["path"] = data;
    config["hostname"] = options.hostname;
  } else if (role_name == "fetcher") {
    config["key_ring"] = layout.data() + "/keys";
  }
  try {
    if (const auto extra = options.roles.find(role_name); extra != options.roles.end()) {
      Merge(config, YAML::Load(extra->second));
    }
    const std::string path = absl::StrCat(layout.config(), "/", instance, ".yaml");
    RETURN_IF_ERROR(base::WriteFileAtomically(path, "# Written by `mailmesh up` at each start.\n" + YAML::Dump(config) + "\n"));
    return path;
  } catch (const YAML::Exception& error) {
    return absl::InvalidArgumentError(absl::StrCat(role_name, ": ", error.what()));
  }
}

}  // namespace mailmesh::up
