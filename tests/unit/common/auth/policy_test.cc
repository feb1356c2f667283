#include "common/auth/policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mailmesh::auth {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

ConnectionFacts Facts(type::v1::Protocol protocol, bool tls, bool local, std::string binding = "") {
  ConnectionFacts facts;
  facts.protocol = protocol;
  facts.tls = tls;
  facts.local = local;
  facts.channel_binding = std::move(binding);
  return facts;
}

Policy Allowing(bool loopback) {
  config::v1::AuthConfig config;
  config.set_allow_plaintext_on_loopback(loopback);
  return Policy(config);
}

TEST(Policy, NobodyLogsInWithoutTlsButLoopbackWhereConfigured) {
  for (bool configured : {false, true}) {
    for (bool tls : {false, true}) {
      for (bool local : {false, true}) {
        ConnectionFacts facts = Facts(type::v1::PROTOCOL_IMAP, tls, local);
        bool expected = tls || (local && configured);
        EXPECT_EQ(Allowing(configured).MayLogIn(facts), expected);
        EXPECT_EQ(Allowing(configured).Mechanisms(facts).empty(), !expected);
        EXPECT_EQ(Allowing(configured).Allows(facts, "SCRAM-SHA-256"), expected);
        EXPECT_EQ(Allowing(configured).Allows(facts, "plain"), expected);
      }
    }
  }
}

TEST(Policy, ListsTheBestFirst) {
  Policy policy = Allowing(false);
  EXPECT_THAT(policy.Mechanisms(Facts(type::v1::PROTOCOL_IMAP, true, false)), ElementsAre("SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN"));
  EXPECT_THAT(policy.Mechanisms(Facts(type::v1::PROTOCOL_SUBMISSION, true, false, "cb")),
              ElementsAre("SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "LOGIN"));
  EXPECT_THAT(policy.Mechanisms(Facts(type::v1::PROTOCOL_POP3, false, true)), IsEmpty());
  EXPECT_FALSE(policy.Allows(Facts(type::v1::PROTOCOL_IMAP, true, false), "SCRAM-SHA-256-PLUS"));
  EXPECT_FALSE(policy.Allows(Facts(type::v1::PROTOCOL_IMAP, true, false), "CRAM-MD5"));
  ConnectionFacts certified = Facts(type::v1::PROTOCOL_POP3, true, false);
  EXPECT_FALSE(policy.Allows(certified, "EXTERNAL"));
  certified.client_certificate_address = "alice@example.org";
  EXPECT_THAT(policy.Mechanisms(certified), ElementsAre("EXTERNAL", "SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN"));
  certified.tls = false;
  EXPECT_FALSE(policy.Allows(certified, "EXTERNAL"));
  EXPECT_EQ(policy.max_failures(), 5u);
}

}  // namespace
}  // namespace mailmesh::auth
