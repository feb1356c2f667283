#include "common/service/admin_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"

namespace mailmesh::service {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

AdminServer::Sources Sources() {
  return {.metrics = [] { return std::string("m 1\n"); },
          .liveness = [] { return std::vector<std::string>(); },
          .readiness = [] { return std::vector<std::string>{"starting", "database: away"}; }};
}

TEST(AdminServerTest, TakenPortHasAText) {
  auto first = AdminServer::Start("127.0.0.1:0", Sources());
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_THAT((*first)->address(), StartsWith("127.0.0.1:"));
  EXPECT_THAT((*first)->address(), Not(HasSubstr(":0")));
  const auto second = AdminServer::Start((*first)->address(), Sources());
  ASSERT_FALSE(second.ok());
  EXPECT_THAT(std::string(base::Message(second.status())),
              HasSubstr(absl::StrCat("admin HTTP on ", (*first)->address(), ": ")));
  EXPECT_THAT(std::string(base::Message(second.status())), HasSubstr("Address already in use"));
}

TEST(AdminServerTest, BadAddresses) {
  for (const char* bad : {"", "9090", "unix:/run/x", "host.example:x"})
    EXPECT_FALSE(AdminServer::Start(bad, Sources()).ok()) << bad;
}

TEST(AdminServerTest, LocalhostAndIpv6) {
  auto local = AdminServer::Start("localhost:0", Sources());
  ASSERT_TRUE(local.ok()) << local.status();
  EXPECT_THAT((*local)->address(), StartsWith("127.0.0.1:"));
  auto six = AdminServer::Start("[::1]:0", Sources());
  if (!six.ok()) GTEST_SKIP() << "no IPv6 here";
  EXPECT_THAT((*six)->address(), StartsWith("[::1]:"));
}

}  // namespace
}  // namespace mailmesh::service
