#include "services/smtp_ingress/limits.h"

#include <gtest/gtest.h>

namespace mailmesh::smtp_ingress {
namespace {

net::SocketAddress Peer(const char* ip) { return {*net::IpAddress::Parse(ip), 1234}; }

class LimitsTest : public testing::Test {
 protected:
  LimitsTest() {
    config_.mutable_address()->set_connections_per_minute(2);
    config_.mutable_address()->set_messages_per_minute(2);
    config_.mutable_address()->set_recipients_per_minute(3);
    config_.mutable_address()->set_unknown_recipients_per_minute(1);
    config_.mutable_account()->set_messages_per_hour(1);
    config_.mutable_account()->set_recipients_per_hour(2);
    config_.mutable_account()->set_max_sessions(2);
    config_.set_max_tracked(1000);
    const std::vector<std::string> exempt{"203.0.113.0/24"};
    limits_ = std::make_unique<Limits>(config_, *net::CidrSet::Parse(exempt), registry_);
  }

  telemetry::Registry registry_;
  config::v1::SmtpLimitsConfig config_;
  std::unique_ptr<Limits> limits_;
};

TEST_F(LimitsTest, ByAddressUntilLoggedIn) {
  const net::SocketAddress peer = Peer("192.0.2.1");
  const Client client{peer, ""};
  EXPECT_TRUE(limits_->TakeMessage(client));
  EXPECT_TRUE(limits_->TakeMessage(client));
  EXPECT_FALSE(limits_->TakeMessage(client));
  const net::SocketAddress other = Peer("192.0.2.2");
  EXPECT_TRUE(limits_->TakeMessage({other, ""}));
  EXPECT_TRUE(limits_->TakeMessage({peer, "account"})) << "the account's own limit holds";
  EXPECT_FALSE(limits_->TakeMessage({other, "account"})) << "wherever it comes from";
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(limits_->TakeRecipient(client));
  EXPECT_FALSE(limits_->TakeRecipient(client));
  EXPECT_TRUE(limits_->TakeUnknownRecipient(client));
  EXPECT_FALSE(limits_->TakeUnknownRecipient(client));
  EXPECT_TRUE(limits_->TakeUnknownRecipient({peer, "account"}));
}

TEST_F(LimitsTest, AnIpv6ClientIsItsNetwork) {
  const net::SocketAddress one = Peer("2001:db8::1"), two = Peer("2001:db8::ffff:2"), other = Peer("2001:db8:0:1::1");
  EXPECT_TRUE(limits_->TakeConnection({one, ""}));
  EXPECT_TRUE(limits_->TakeConnection({two, ""}));
  EXPECT_FALSE(limits_->TakeConnection({one, ""}));
  EXPECT_TRUE(limits_->TakeConnection({other, ""}));
}

TEST_F(LimitsTest, ExemptAreThisMachineLmtpAndWhatIsConfigured) {
  const net::SocketAddress loopback = Peer("127.0.0.1"), partner = Peer("203.0.113.7"), far = Peer("192.0.2.9");
  const net::SocketAddress unix = net::SocketAddress::Unix("");
  for (int i = 0; i < 10; ++i) {
    EXPECT_TRUE(limits_->TakeConnection({loopback, ""}));
    EXPECT_TRUE(limits_->TakeConnection({partner, ""}));
    EXPECT_TRUE(limits_->TakeConnection({unix, ""}));
    EXPECT_TRUE(limits_->TakeConnection({far, "", true}));
  }
}

TEST_F(LimitsTest, SessionsOfAnAccountCountWhileTheyLive) {
  Limits::SessionPermit one = limits_->AdmitSession("a");
  Limits::SessionPermit two = limits_->AdmitSession("a");
  ASSERT_TRUE(one && two);
  EXPECT_EQ(limits_->AdmitSession("a"), nullptr);
  EXPECT_NE(limits_->AdmitSession("b"), nullptr);
  one.reset();
  EXPECT_NE(limits_->AdmitSession("a"), nullptr);
}

}  // namespace
}  // namespace mailmesh::smtp_ingress
