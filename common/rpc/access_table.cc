#include "common/rpc/access_table.h"

#include <algorithm>
#include <map>

namespace mailmesh::rpc {
namespace {

constexpr std::string_view kAnyRole = "*";
constexpr std::string_view kIngress = "smtp_ingress";
constexpr std::string_view kRelay = "outbound_relay";
constexpr std::string_view kStore = "mailbox_store";
constexpr std::string_view kImap = "imap_gateway";
constexpr std::string_view kPop3 = "pop3_gateway";
constexpr std::string_view kFetcher = "fetcher";
constexpr std::string_view kDirectory = "directory";
constexpr std::string_view kOperator = "operator";
constexpr std::string_view kMeshRoles[] = {kDirectory, kStore, kRelay, kFetcher, kIngress, kImap, kPop3, kOperator};

// A row for a method counts alone: the row of its service does not add to it.
const std::vector<AccessRule>& Table() {
  static const auto* const table = new std::vector<AccessRule>{
      {"grpc.health.v1.Health", {kAnyRole}},
      {"grpc.reflection.v1alpha.ServerReflection", {kOperator}},

      {"mailmesh.control.v1.ControlService", {kOperator}},
      {"mailmesh.control.v1.ControlService/GetInfo", {kAnyRole}},

      {"mailmesh.directory.v1.DirectoryService", {kAnyRole}},
      {"mailmesh.directory.v1.DirectoryAdminService", {kOperator}},
      {"mailmesh.directory.v1.AuthService", {kIngress, kImap, kPop3, kOperator}},

      {"mailmesh.mailbox.v1.MailboxService", {kImap, kOperator}},
      {"mailmesh.mailbox.v1.MailboxService/UploadBody", {kIngress, kRelay, kImap, kFetcher, kOperator}},
      {"mailmesh.mailbox.v1.MailboxService/DeliverMessage", {kIngress, kRelay, kOperator}},
      {"mailmesh.mailbox.v1.MailboxService/AppendMessages", {kImap, kFetcher, kOperator}},
      {"mailmesh.mailbox.v1.MailboxService/ListMailboxes", {kImap, kPop3, kFetcher, kOperator}},
      {"mailmesh.mailbox.v1.MailboxService/GetMailboxStatus", {kImap, kPop3, kFetcher, kOperator}},
      {"mailmesh.mailbox.v1.MailboxService/CreateMailbox", {kImap, kFetcher, kOperator}},
      {"mailmesh.mailbox.v1.MailboxService/OpenMailbox", {kImap, kPop3, kFetcher, kOperator}},
      {"mailmesh.mailbox.v1.MailboxService/ReadView", {kImap, kPop3, kOperator}},
      {"mailmesh.mailbox.v1.MailboxService/FetchSummaries", {kImap, kPop3, kOperator}},
      {"mailmesh.mailbox.v1.MailboxService/FetchContent", {kImap, kPop3, kOperator}},
      {"mailmesh.mailbox.v1.MailboxService/GetContent", {kImap, kPop3, kOperator}},
      {"mailmesh.mailbox.v1.MailboxService/AcquireMaildrop", {kPop3, kOperator}},
      {"mailmesh.mailbox.v1.MailboxService/ListMaildrop", {kPop3, kOperator}},
      {"mailmesh.mailbox.v1.MailboxService/RenewMaildrop", {kPop3, kOperator}},
      {"mailmesh.mailbox.v1.MailboxService/CommitMaildrop", {kPop3, kOperator}},
      {"mailmesh.mailbox.v1.MailboxService/ReleaseMaildrop", {kPop3, kOperator}},
      {"mailmesh.mailbox.v1.MailboxService/DeleteAccount", {kOperator}},
      {"mailmesh.mailbox.v1.StoreAdminService", {kOperator}},

      {"mailmesh.relay.v1.RelayService", {kIngress, kStore, kRelay, kOperator}},
      {"mailmesh.relay.v1.QueueAdminService", {kOperator}},
      {"mailmesh.relay.v1.RouteSecretService", {kOperator}},

      // Served by mailbox_store, which owns the jobs, and by the fetcher, which owns the keys of their credentials.
      {"mailmesh.fetch.v1.FetchJobService", {kFetcher, kOperator}},
      {"mailmesh.fetch.v1.FetcherService", {kOperator}},
  };
  return *table;
}

using Index = std::map<std::string, std::vector<std::string_view>, std::less<>>;

Index& TheIndex() {
  static auto* const index = [] {
    auto* result = new Index;
    for (const AccessRule& rule : Table()) {
      result->emplace(rule.target, rule.roles);
    }
    return result;
  }();
  return *index;
}

bool Permits(const std::vector<std::string_view>& allowed, std::span<const std::string> roles) {
  const bool any = std::find(allowed.begin(), allowed.end(), kAnyRole) != allowed.end();
  const std::span<const std::string_view> permitted = any ? MeshRoles() : allowed;
  return std::any_of(roles.begin(), roles.end(), [permitted](const std::string& one) {
    return std::find(permitted.begin(), permitted.end(), one) != permitted.end();
  });
}

}  // namespace

std::span<const AccessRule> AccessRules() { return Table(); }
std::span<const std::string_view> MeshRoles() { return kMeshRoles; }

bool IsAllowed(std::string_view path, std::span<const std::string> roles) {
  if (path.empty() || path.front() != '/') {
    return false;
  }
  path.remove_prefix(1);
  const Index& index = TheIndex();
  auto method = index.find(path);
  if (method != index.end()) {
    return Permits(method->second, roles);
  }
  auto service = index.find(path.substr(0, path.find('/')));
  return service != index.end() && Permits(service->second, roles);
}

void AllowForTest(std::string_view target) { TheIndex()[std::string(target)] = {kAnyRole}; }

}  // namespace mailmesh::rpc
