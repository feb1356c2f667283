// The configuration of every role: its rules are sound (defaults parse and lie in their ranges), and what is printed
// can be loaded again.
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <memory>

#include "common/config/loader.h"
#include "common/config/print.h"
#include "mailmesh/config/v1/directory.pb.h"
#include "mailmesh/config/v1/fetcher.pb.h"
#include "mailmesh/config/v1/imap_gateway.pb.h"
#include "mailmesh/config/v1/mailbox_store.pb.h"
#include "mailmesh/config/v1/outbound_relay.pb.h"
#include "mailmesh/config/v1/pop3_gateway.pb.h"
#include "mailmesh/config/v1/smtp_ingress.pb.h"

namespace mailmesh::config {
namespace {

struct Role {
  const google::protobuf::Message* prototype;
  // What its file must at least say.
  const char* least;
};

class RoleConfigsTest : public ::testing::TestWithParam<Role> {};

TEST_P(RoleConfigsTest, LoadsWithDefaultsAndComesBack) {
  const std::unique_ptr<google::protobuf::Message> first(GetParam().prototype->New());
  const std::unique_ptr<google::protobuf::Message> second(GetParam().prototype->New());
  ASSERT_EQ(FormatProblems("f", LoadYaml(GetParam().least, first.get())), "");
  const std::string printed = PrintEffective(*first);
  EXPECT_NE(printed.find("level: info"), std::string::npos) << printed;
  ASSERT_EQ(FormatProblems("printed", LoadYaml(printed, second.get())), "") << printed;
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(*first, *second)) << printed;
}

TEST_P(RoleConfigsTest, AnUnknownFieldIsAMistake) {
  const std::unique_ptr<google::protobuf::Message> message(GetParam().prototype->New());
  EXPECT_FALSE(LoadYaml("common: {admin: {lisen: x}}", message.get()).empty());
}

TEST(RoleConfigTest, ADatabaseMustBeNamed) {
  v1::DirectoryConfig directory;
  EXPECT_EQ(FormatProblems("f", LoadYaml("", &directory)), "f: database: is required: a section of fields");
  v1::MailboxStoreConfig store;
  EXPECT_EQ(FormatProblems("f", LoadYaml("database: {}", &store)), "f:1:11: database.path: is required: a text");
}

INSTANTIATE_TEST_SUITE_P(All, RoleConfigsTest,
                         ::testing::Values(Role{&v1::DirectoryConfig::default_instance(), "database: {path: /d}"},
                                           Role{&v1::FetcherConfig::default_instance(), "key_ring: /k"},
                                           Role{&v1::ImapGatewayConfig::default_instance(), ""},
                                           Role{&v1::MailboxStoreConfig::default_instance(), "database: {path: /d}"},
                                           Role{&v1::OutboundRelayConfig::default_instance(), "spool: {path: /d}"},
                                           Role{&v1::Pop3GatewayConfig::default_instance(), ""},
                                           Role{&v1::SmtpIngressConfig::default_instance(),
                                                "mx: {listen: \"0.0.0.0:25\"}"}),
                         [](const auto& info) { return info.param.prototype->GetDescriptor()->name(); });

}  // namespace
}  // namespace mailmesh::config
