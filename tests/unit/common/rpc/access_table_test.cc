#include "common/rpc/access_table.h"

#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include <set>

#include "mailmesh/control/v1/control_service.pb.h"
#include "mailmesh/directory/v1/auth_service.pb.h"
#include "mailmesh/directory/v1/directory_admin_service.pb.h"
#include "mailmesh/directory/v1/directory_service.pb.h"
#include "mailmesh/fetch/v1/fetch_job_service.pb.h"
#include "mailmesh/fetch/v1/fetcher_service.pb.h"
#include "mailmesh/mailbox/v1/mailbox_service.pb.h"
#include "mailmesh/mailbox/v1/store_admin_service.pb.h"
#include "mailmesh/relay/v1/queue_admin_service.pb.h"
#include "mailmesh/relay/v1/route_secret_service.pb.h"
#include "mailmesh/relay/v1/relay_service.pb.h"

namespace mailmesh::rpc {
namespace {

bool Allowed(std::string_view path, std::string role) {
  std::vector<std::string> roles = {std::move(role)};
  return IsAllowed(path, roles);
}

TEST(AccessTable, LetsRolesDoTheirWorkOnly) {
  EXPECT_TRUE(Allowed("/mailmesh.mailbox.v1.MailboxService/DeliverMessage", "smtp_ingress"));
  EXPECT_FALSE(Allowed("/mailmesh.mailbox.v1.MailboxService/FetchContent", "smtp_ingress"));
  EXPECT_FALSE(Allowed("/mailmesh.mailbox.v1.MailboxService/DeliverMessage", "imap_gateway"));
  EXPECT_TRUE(Allowed("/mailmesh.mailbox.v1.MailboxService/StoreFlags", "imap_gateway"));
  EXPECT_FALSE(Allowed("/mailmesh.directory.v1.DirectoryAdminService/CreateAccount", "imap_gateway"));
  EXPECT_TRUE(Allowed("/mailmesh.directory.v1.DirectoryAdminService/CreateAccount", "operator"));
  EXPECT_TRUE(Allowed("/mailmesh.control.v1.ControlService/GetInfo", "fetcher"));
  EXPECT_FALSE(Allowed("/mailmesh.control.v1.ControlService/Drain", "fetcher"));
  EXPECT_TRUE(Allowed("/grpc.health.v1.Health/Check", "pop3_gateway"));
  // A certificate of the authority, of a role that the mesh does not have.
  EXPECT_FALSE(Allowed("/grpc.health.v1.Health/Check", "anything"));
}

TEST(AccessTable, DeniesWhatItDoesNotKnow) {
  EXPECT_FALSE(Allowed("/mailmesh.unknown.v1.Service/Call", "operator"));
  EXPECT_FALSE(Allowed("", "operator"));
  EXPECT_FALSE(Allowed("/", "operator"));
  EXPECT_FALSE(Allowed("mailmesh.control.v1.ControlService/Drain", "operator"));
  EXPECT_FALSE(Allowed("/mailmesh.control.v1.ControlServiceX/Drain", "operator"));
  EXPECT_FALSE(IsAllowed("/mailmesh.control.v1.ControlService/Drain", {}));
}

// A service or method that is renamed or added must be met in the table too.
TEST(AccessTable, FitsTheContracts) {
  const google::protobuf::DescriptorPool& pool = *google::protobuf::DescriptorPool::generated_pool();
  // One message of each file, so that the linker keeps the file's descriptor.
  control::v1::GetInfoRequest::descriptor();
  directory::v1::ListMechanismsRequest::descriptor();
  directory::v1::CreateDomainRequest::descriptor();
  directory::v1::GetAccountRequest::descriptor();
  fetch::v1::CreateFetchJobRequest::descriptor();
  fetch::v1::SealCredentialRequest::descriptor();
  mailbox::v1::UploadBodyRequest::descriptor();
  mailbox::v1::SetQuotaRequest::descriptor();
  relay::v1::ListQueueItemsRequest::descriptor();
  relay::v1::SealRoutePasswordRequest::descriptor();
  relay::v1::UploadBodyRequest::descriptor();
  std::set<std::string> services;
  for (const AccessRule& rule : AccessRules()) {
    std::string target(rule.target);
    std::string service = target.substr(0, target.find('/'));
    services.insert(service);
    if (service.rfind("mailmesh.", 0) != 0) {
      continue;
    }
    const google::protobuf::ServiceDescriptor* found = pool.FindServiceByName(service);
    ASSERT_NE(found, nullptr) << target;
    if (service.size() != target.size()) {
      EXPECT_NE(found->FindMethodByName(target.substr(service.size() + 1)), nullptr) << target;
    }
  }
  for (const auto* file : {control::v1::GetInfoRequest::descriptor()->file(),
                           directory::v1::ListMechanismsRequest::descriptor()->file(),
                           directory::v1::CreateDomainRequest::descriptor()->file(),
                           directory::v1::GetAccountRequest::descriptor()->file(),
                           fetch::v1::CreateFetchJobRequest::descriptor()->file(),
                           fetch::v1::SealCredentialRequest::descriptor()->file(),
                           mailbox::v1::UploadBodyRequest::descriptor()->file(),
                           mailbox::v1::SetQuotaRequest::descriptor()->file(),
                           relay::v1::ListQueueItemsRequest::descriptor()->file(),
                           relay::v1::UploadBodyRequest::descriptor()->file()}) {
    for (int i = 0; i < file->service_count(); ++i) {
      EXPECT_TRUE(services.contains(file->service(i)->full_name())) << file->service(i)->full_name();
    }
  }
}

}  // namespace
}  // namespace mailmesh::rpc
