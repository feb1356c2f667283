#include "common/sasl/client_session.h"

#include <gtest/gtest.h>

namespace mailmesh::sasl {
namespace {

TEST(ClientSession, ChoosesTheBest) {
  EXPECT_EQ(ChooseMechanism({"LOGIN", "plain", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS", "XOAUTH2"}, true), Mechanism::kScramSha256);
  EXPECT_EQ(ChooseMechanism({"LOGIN", "PLAIN", "CRAM-MD5"}, true), Mechanism::kPlain);
  EXPECT_EQ(ChooseMechanism({"LOGIN"}, true), Mechanism::kLogin);
  EXPECT_EQ(ChooseMechanism({"LOGIN", "PLAIN", "CRAM-MD5"}, false), std::nullopt) << "no password in clear without TLS";
  EXPECT_EQ(ChooseMechanism({"LOGIN", "SCRAM-SHA-1"}, false), Mechanism::kScramSha1);
  EXPECT_EQ(ChooseMechanism({}, true), std::nullopt);
}

TEST(ClientSession, PlainIsOneMessage) {
  auto session = *ClientSession::Create(Mechanism::kPlain, {"user", base::Secret("pass")});
  auto first = session->InitialResponse();
  ASSERT_TRUE(first.ok() && first->has_value());
  EXPECT_EQ((*first)->Reveal(), std::string_view("\0user\0pass", 10));
  EXPECT_TRUE(session->CheckSuccess().ok());
}

TEST(ClientSession, LoginAnswersPromptsWhateverTheyAre) {
  auto session = *ClientSession::Create(Mechanism::kLogin, {"user", base::Secret("pass")});
  auto first = session->InitialResponse();
  ASSERT_TRUE(first.ok());
  EXPECT_FALSE(first->has_value());
  EXPECT_EQ(session->Respond(std::string_view("User Name\0", 10))->Reveal(), "user");
  EXPECT_EQ(session->Respond("VXNlcm5hbWU6")->Reveal(), "pass");
  EXPECT_TRUE(session->CheckSuccess().ok());
}

TEST(ClientSession, NulAndEmptyNamesAreRefused) {
  EXPECT_FALSE(ClientSession::Create(Mechanism::kPlain, {std::string("us\0er", 5), base::Secret("x")}).ok());
  EXPECT_FALSE(ClientSession::Create(Mechanism::kPlain, {"user", base::Secret(std::string("\0", 1))}).ok());
  EXPECT_FALSE(ClientSession::Create(Mechanism::kPlain, {"", base::Secret("x")}).ok());
  EXPECT_FALSE(ClientSession::Create(Mechanism::kScramSha256Plus, {"user", base::Secret("x")}).ok());
}

TEST(ClientSession, AServerThatDoesNotProveItselfIsNotBelieved) {
  auto session = *ClientSession::Create(Mechanism::kScramSha256, {"user", base::Secret("pencil")});
  auto first = session->InitialResponse();
  ASSERT_TRUE(first.ok());
  std::string nonce((*first)->Reveal().substr((*first)->Reveal().find(",r=") + 3));
  EXPECT_TRUE(absl::IsUnauthenticated(session->CheckSuccess())) << "success after the first message";
  auto second = session->Respond("r=" + nonce + "server,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_TRUE(absl::IsUnauthenticated(session->CheckSuccess())) << "success without server-final";
  EXPECT_TRUE(absl::IsUnauthenticated(session->CheckSuccess("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")));
}

TEST(ClientSession, HostileChallenges) {
  for (const std::string& challenge :
       {std::string("garbage"), std::string(), std::string(70'000, 'x'), std::string("r=other,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"),
        std::string("r=\0,s=,i=1", 10)}) {
    auto session = *ClientSession::Create(Mechanism::kScramSha256, {"user", base::Secret("pencil")});
    ASSERT_TRUE(session->InitialResponse().ok());
    EXPECT_FALSE(session->Respond(challenge).ok()) << challenge.substr(0, 40);
  }
  for (const char* iterations : {"4294967295", "99999999999999999999", "10000001", "-1", "1x"}) {
    auto session = *ClientSession::Create(Mechanism::kScramSha256, {"user", base::Secret("pencil")});
    auto first = session->InitialResponse();
    std::string nonce((*first)->Reveal().substr((*first)->Reveal().find(",r=") + 3));
    auto reply = session->Respond("r=" + nonce + "x,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=" + iterations);
    EXPECT_TRUE(absl::IsInvalidArgument(reply.status())) << iterations << reply.status();
  }
}

}  // namespace
}  // namespace mailmesh::sasl
