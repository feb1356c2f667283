#include "services/mailmesh/cli/context.h"

#include <pwd.h>
#include <termios.h>
#include <unistd.h>
#include <yaml-cpp/yaml.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iostream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/base/random.h"
#include "common/base/status.h"
#include "common/rpc/call_context.h"
#include "common/rpc/channel.h"
#include "common/rpc/operator.h"
#include "common/rpc/status_mapping.h"
#include "mailmesh/directory/v1/directory_service.grpc.pb.h"
#include "services/mailmesh/cli/actions.h"
#include "services/mailmesh/cli/processes.h"
#include "services/mailmesh/pki/bundle_store.h"

namespace mailmesh::cli {
namespace {

constexpr char kGrpcSuffix[] = ".grpc";

// "imap_gateway.1" -> "imap_gateway".
std::string RoleOf(const std::string& instance) { return instance.substr(0, instance.find('.')); }

// Replicas that share a name are instances of their own, "imap_gateway", "imap_gateway.1", ...: each has its sessions, or its queue.
std::map<std::string, std::string> Replicas(const std::string& role, const std::string& endpoint) {
  if (!absl::StartsWith(endpoint, "dns:///")) return {{role, endpoint}};
  std::vector<std::string> single = SingleEndpoints(endpoint);
  std::sort(single.begin(), single.end());
  std::map<std::string, std::string> found;
  for (std::string& address : single) found.emplace(found.empty() ? role : absl::StrCat(role, ".", found.size()), std::move(address));
  return found;
}

// Turns echo off while it lives.
class NoEcho {
 public:
  NoEcho() {
    tcgetattr(STDIN_FILENO, &before_);
    termios quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
  }
  ~NoEcho() { tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_); }

 private:
  termios before_;
};

// Who runs the tool, as "user@host". sudo(8) says who was there before it.
std::string OperatorName() {
  const char* sudo_user = std::getenv("SUDO_USER");
  const passwd* entry = getpwuid(getuid());
  std::string name = sudo_user != nullptr && *sudo_user != '\0' ? sudo_user
                     : entry != nullptr                          ? entry->pw_name
                                                                 : absl::StrCat("uid", getuid());
  char host[256] = "";
  if (gethostname(host, sizeof(host) - 1) == 0) absl::StrAppend(&name, "@", host);
  // What a call may carry: printable ASCII without spaces.
  for (char& c : name) {
    if (c <= ' ' || c >= 0x7f) c = '?';
  }
  return name.substr(0, 128);
}

std::string Ask(const std::string& prompt) {
  std::cerr << prompt << ": " << std::flush;
  std::string line;
  {
    NoEcho quiet;
    std::getline(std::cin, line);
  }
  std::cerr << std::endl;
  return line;
}

}  // namespace

absl::Status Context::Load() {
  if (loaded_) return absl::OkStatus();
  const std::string file = config_file.empty() ? dir + "/endpoints.json" : config_file;
  if (config_file.empty() && dir.empty()) {
    return absl::InvalidArgumentError("no mesh given: use --dir DIR (or MAILMESH_DIR), or --mesh FILE (or MAILMESH_CONFIG)");
  }
  try {
    // JSON is YAML.
    const YAML::Node root = YAML::LoadFile(file);
    for (const auto& entry : root) {
      const std::string key = entry.first.as<std::string>();
      if (key == "tls") {
        certificate_ = entry.second["certificate"].as<std::string>();
        private_key_ = entry.second["private_key"].as<std::string>();
        authority_ = entry.second["authority"].as<std::string>();
      } else if (config_file.empty()) {
        endpoints_[key] = entry.second.as<std::string>();
      } else {
        for (const auto& [instance, address] : Replicas(key, entry.second.as<std::string>())) endpoints_[instance + kGrpcSuffix] = address;
      }
    }
  } catch (const YAML::BadFile&) {
    return absl::UnavailableError(absl::StrCat(file, " is not there: does the mesh run?"));
  } catch (const YAML::Exception& error) {
    return absl::InvalidArgumentError(absl::StrCat(file, ": ", error.what()));
  }
  if (config_file.empty()) {
    const std::string folder = dir + "/pki/operator/";
    certificate_ = folder + pki::kCertificate;
    private_key_ = folder + pki::kKey;
    authority_ = folder + pki::kTrusted;
  }
  loaded_ = true;
  return absl::OkStatus();
}

absl::StatusOr<std::map<std::string, std::string>> Context::GrpcEndpoints() {
  RETURN_IF_ERROR(Load());
  std::map<std::string, std::string> found;
  for (const auto& [name, address] : endpoints_) {
    if (absl::EndsWith(name, kGrpcSuffix)) found[std::string(absl::StripSuffix(name, kGrpcSuffix))] = address;
  }
  return found;
}

absl::StatusOr<std::vector<std::string>> Context::Instances(const std::string& role) {
  ASSIGN_OR_RETURN(const auto endpoints, GrpcEndpoints());
  std::vector<std::string> found;
  for (const auto& [instance, address] : endpoints) {
    if (role.empty() || instance == role || RoleOf(instance) == role) found.push_back(instance);
  }
  if (found.empty()) return absl::NotFoundError(absl::StrCat("this mesh has no ", role));
  return found;
}

absl::StatusOr<std::shared_ptr<grpc::Channel>> Context::ChannelTo(const std::string& instance) {
  RETURN_IF_ERROR(Load());
  const auto found = endpoints_.find(instance + kGrpcSuffix);
  if (found == endpoints_.end()) return absl::NotFoundError(absl::StrCat("this mesh has no ", instance));
  return ChannelToEndpoint(RoleOf(instance), found->second);
}

absl::StatusOr<std::shared_ptr<grpc::Channel>> Context::ChannelToEndpoint(const std::string& role,
                                                                          const std::string& endpoint) {
  RETURN_IF_ERROR(Load());
  rpc::ChannelOptions options;
  options.endpoint = endpoint;
  options.role = role;
  if (!certificate_.empty()) options.tls = rpc::TlsFiles{certificate_, private_key_, authority_};
  return rpc::MakeChannel(options);
}

absl::StatusOr<std::shared_ptr<grpc::Channel>> Context::ChannelToShard(const std::string& shard) {
  using directory::v1::DirectoryService;
  ASSIGN_OR_RETURN(const auto channel, ChannelTo("directory"));
  const auto stub = DirectoryService::NewStub(channel);
  ASSIGN_OR_RETURN(const auto map, Call<DirectoryService::Stub>(stub.get(), &DirectoryService::Stub::ListShards,
                                                                directory::v1::ListShardsRequest()));
  for (const auto& entry : map.shards()) {
    if (entry.name() == shard) return ChannelToEndpoint("mailbox_store", entry.endpoint());
  }
  return absl::NotFoundError(absl::StrCat("no shard ", shard));
}

absl::StatusOr<std::vector<std::string>> Context::ShardNames() {
  using directory::v1::DirectoryService;
  ASSIGN_OR_RETURN(const auto channel, ChannelTo("directory"));
  const auto stub = DirectoryService::NewStub(channel);
  ASSIGN_OR_RETURN(const auto map, Call<DirectoryService::Stub>(stub.get(), &DirectoryService::Stub::ListShards,
                                                                directory::v1::ListShardsRequest()));
  std::vector<std::string> names;
  for (const auto& entry : map.shards()) names.push_back(entry.name());
  return names;
}

absl::Status FromGrpc(const grpc::Status& status) { return rpc::FromGrpc(status); }

std::unique_ptr<grpc::ClientContext> NewCall(int seconds) {
  auto call = std::make_unique<grpc::ClientContext>();
  call->set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(seconds));
  call->AddMetadata(rpc::kOperatorKey, OperatorName());
  // What a command does in all roles is one trace.
  static const std::string& traceparent = *new std::string(telemetry::Trace::New().Traceparent());
  call->AddMetadata(rpc::kTraceparentKey, traceparent);
  return call;
}

std::string NewRequestId() { return base::NewIdText(); }

absl::StatusOr<std::string> ReadSecret(const std::string& prompt, bool from_stdin, Asked asked) {
  std::string secret;
  if (from_stdin) {
    std::getline(std::cin, secret);
  } else if (isatty(STDIN_FILENO) == 0) {
    return absl::InvalidArgumentError("standard input is not a terminal: use --password-stdin");
  } else {
    secret = Ask(prompt);
    if (asked == Asked::kTwice && Ask(prompt + " again") != secret) return absl::InvalidArgumentError("the two are not the same");
  }
  if (secret.empty()) return absl::InvalidArgumentError("an empty secret");
  return secret;
}

absl::StatusOr<AccountRef> FindAccount(Context& context, const std::string& address) {
  using directory::v1::DirectoryService;
  ASSIGN_OR_RETURN(const auto stub, Connect<DirectoryService>(context, "directory"));
  directory::v1::GetAccountRequest request;
  request.set_address(address);
  ASSIGN_OR_RETURN(const auto response,
                   Call<DirectoryService::Stub>(stub.get(), &DirectoryService::Stub::GetAccount, request));
  return AccountRef{response.account().account_id(), response.account().address(), response.account().shard()};
}

}  // namespace mailmesh::cli
