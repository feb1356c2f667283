#include "services/mailmesh/up/role_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "common/base/file.h"
#include "common/base/random.h"

namespace mailmesh::up {
namespace {

using testing::HasSubstr;

class RoleConfigTest : public testing::Test {
 protected:
  RoleConfigTest() : folder_(std::filesystem::temp_directory_path() / ("role-config-" + base::NewIdText())) {
    std::filesystem::create_directories(folder_ / "config");
    layout_.dir = folder_.string();
    layout_.run = folder_.string() + "/run";
  }
  ~RoleConfigTest() override { std::filesystem::remove_all(folder_); }

  absl::Status Read(const std::string& text) {
    const std::string file = folder_.string() + "/up.yaml";
    std::ofstream(file) << text;
    return ReadUpConfig(file, options_);
  }

  std::filesystem::path folder_;
  Layout layout_;
  UpOptions options_;
};

TEST_F(RoleConfigTest, WhatTheUserSaysIsMergedIntoTheRolesFile) {
  ASSERT_TRUE(Read("hostname: mail.a.test\nreplicas: {imap_gateway: 2}\nsmtp_ingress: {common: {log: {level: debug}}}\n").ok());
  options_.port_base = 20000;
  const AddressMap addresses = ChooseAddresses(layout_, options_).value();
  EXPECT_EQ(addresses.at("imap_gateway.1").admin, "127.0.0.1:29152");
  const std::string path = WriteRoleConfig(layout_, options_, addresses, "smtp_ingress", 0).value();
  const std::string text = base::ReadFile(path).value();
  EXPECT_THAT(text, HasSubstr("level: debug"));
  EXPECT_THAT(text, HasSubstr("format: text"));  // what was there stays
  EXPECT_THAT(text, HasSubstr("hostname: mail.a.test"));
}

TEST_F(RoleConfigTest, CallersAreGivenEveryReplica) {
  ASSERT_TRUE(Read("replicas: {outbound_relay: 3}\n").ok());
  for (const bool tcp : {false, true}) {
    options_.grpc_tcp = tcp;
    options_.port_base = 10000;
    const AddressMap addresses = ChooseAddresses(layout_, options_).value();
    const std::string text = base::ReadFile(WriteRoleConfig(layout_, options_, addresses, "smtp_ingress", 0).value()).value();
    const std::string relay = "unix:" + layout_.run + "/outbound_relay";
    EXPECT_THAT(text, HasSubstr(tcp ? "127.0.0.1:17121,127.0.0.1:17122,127.0.0.1:17123"
                                    : relay + ".sock," + relay + ".1.sock," + relay + ".2.sock"));
  }
}

TEST_F(RoleConfigTest, MistakesAreNamed) {
  EXPECT_THAT(std::string(Read("smpt_ingress: {}\n").message()), HasSubstr("unknown key: smpt_ingress"));
  EXPECT_THAT(std::string(Read("replicas: {imap_gateway: 0}\n").message()), HasSubstr("1 to 9"));
  EXPECT_THAT(std::string(Read("replicas: {directory: 2}\n").message()), HasSubstr("must be 1"));
  EXPECT_THAT(std::string(Read("grpc: pigeon\n").message()), HasSubstr("unix or tcp"));
  EXPECT_FALSE(Read("- a\n").ok());
  EXPECT_FALSE(Read("a: [\n").ok());
}

}  // namespace
}  // namespace mailmesh::up
