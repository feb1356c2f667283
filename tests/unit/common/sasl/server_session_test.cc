#include "common/sasl/server_session.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "common/base/bytes.h"
#include "tests/unit/common/sasl/sasl_test_backend.h"

namespace mailmesh::sasl {
namespace {

constexpr char kUser[] = "alice@example.org";
const std::string kBinding(32, '\x5a');

class ServerSessionTest : public ::testing::Test {
 protected:
  ServerSessionTest() { backend_.Add(kUser, "0001", "correct horse"); }

  // The result of feeding raw inputs, first one as initial response when it is not nullopt.
  absl::StatusOr<ServerStep> Feed(Mechanism mechanism, std::vector<std::optional<std::string>> inputs,
                                  std::string binding = "", std::string certificate = "") {
    auto session = sasl_.NewSession(mechanism, {std::move(binding), std::move(certificate)}, &backend_);
    if (!session.ok()) return session.status();
    absl::StatusOr<ServerStep> step = absl::UnknownError("no input");
    for (const auto& input : inputs) {
      step = (*session)->Step(input ? std::optional<std::string_view>(*input) : std::nullopt);
      if (step.ok() && std::holds_alternative<ServerHash>(*step)) step = (*session)->HashPassword();
      if (!step.ok()) break;
    }
    return step;
  }

  static std::vector<Mechanism> PasswordMechanisms() {
    std::vector<Mechanism> mechanisms(kMechanisms.begin(), kMechanisms.end());
    std::erase(mechanisms, Mechanism::kExternal);
    return mechanisms;
  }

  MemoryBackend backend_;
  ServerSasl sasl_{{base::Secret("decoy"), 4096}};
};

TEST_F(ServerSessionTest, EveryMechanismLetsTheRightPasswordIn) {
  for (Mechanism mechanism : PasswordMechanisms()) {
    for (bool initial : {true, false}) {
      SCOPED_TRACE(std::string(MechanismName(mechanism)) + (initial ? " with" : " without") + " initial response");
      std::string binding = IsPlus(mechanism) ? kBinding : "";
      Played played = Play(sasl_, backend_, mechanism, kUser, "correct horse",
                           initial && mechanism != Mechanism::kLogin, binding, binding);
      EXPECT_TRUE(played.server.ok()) << played.server;
      EXPECT_TRUE(played.client.ok()) << played.client;
      ASSERT_TRUE(played.success.has_value());
      EXPECT_EQ(played.success->account_id, "0001");
      EXPECT_EQ(played.success->name, kUser);
      EXPECT_EQ(played.success->final_data.has_value(), IsScram(mechanism));
    }
  }
}

TEST_F(ServerSessionTest, EveryMechanismRefusesAWrongPasswordAndAnUnknownUserInTheSameWords) {
  for (Mechanism mechanism : PasswordMechanisms()) {
    SCOPED_TRACE(std::string(MechanismName(mechanism)));
    std::string binding = IsPlus(mechanism) ? kBinding : "";
    Played wrong = Play(sasl_, backend_, mechanism, kUser, "wrong", true && mechanism != Mechanism::kLogin, binding, binding);
    Played unknown = Play(sasl_, backend_, mechanism, "nobody@example.org", "wrong", mechanism != Mechanism::kLogin, binding, binding);
    EXPECT_TRUE(absl::IsUnauthenticated(wrong.server)) << wrong.server << wrong.client;
    EXPECT_EQ(wrong.server, unknown.server);
    EXPECT_FALSE(wrong.success || unknown.success);
    // Same number of steps, same shape: ",s=" + 24 octets + ",i=4096|".
    EXPECT_EQ(wrong.challenges.size(), unknown.challenges.size());
  }
}

TEST_F(ServerSessionTest, TheSaltOfAnUnknownUserIsStable) {
  auto salt = [&](const std::string& name) {
    std::string challenge = Play(sasl_, backend_, Mechanism::kScramSha256, name, "x").challenges;
    size_t at = challenge.find(",s=");
    return at == std::string::npos ? "none: " + challenge : challenge.substr(at);
  };
  EXPECT_EQ(salt("nobody@example.org"), salt("nobody@example.org"));
  EXPECT_NE(salt("nobody@example.org"), salt("noone@example.org"));
  EXPECT_EQ(salt(kUser), salt(kUser));
}

TEST_F(ServerSessionTest, UnknownUsersTakeTheTimeOfKnownOnes) {
  // The least of several: what else the machine does only adds.
  auto least = [&](const std::string& name) {
    std::vector<double> times;
    for (int i = 0; i < 9; ++i) {
      auto start = std::chrono::steady_clock::now();
      Play(sasl_, backend_, Mechanism::kPlain, name, "wrong");
      times.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    }
    return *std::min_element(times.begin(), times.end());
  };
  double known = least(kUser), unknown = least("nobody@example.org");
  EXPECT_LT(unknown, known * 3);
  EXPECT_GT(unknown, known / 3);
  EXPECT_EQ(backend_.checks, 18);
}

TEST_F(ServerSessionTest, LoginPromptsAsClientsExpectAndTakesAnInitialResponse) {
  Played played = Play(sasl_, backend_, Mechanism::kLogin, kUser, "correct horse", false);
  EXPECT_EQ(played.challenges, "Username:|Password:|");
  auto step = Feed(Mechanism::kLogin, {kUser});
  ASSERT_TRUE(step.ok()) << step.status();
  EXPECT_EQ(std::get<ServerChallenge>(*step).data, "Password:");
  step = Feed(Mechanism::kLogin, {kUser, "correct horse"});
  ASSERT_TRUE(step.ok()) << step.status();
  EXPECT_EQ(std::get<ServerSuccess>(*step).account_id, "0001");
}

TEST_F(ServerSessionTest, AuthorizationIdentityMustBeOnesOwn) {
  using namespace std::string_literals;
  backend_.Add("bob@example.org", "0002", "x");
  auto plain = [&](const std::string& authzid) {
    return Feed(Mechanism::kPlain, {authzid + "\0alice@example.org\0correct horse"s}).status();
  };
  EXPECT_TRUE(plain("").ok());
  EXPECT_TRUE(plain("alice@example.org").ok());
  EXPECT_TRUE(absl::IsUnauthenticated(plain("bob@example.org")));
  EXPECT_TRUE(absl::IsUnauthenticated(plain("nobody@example.org")));
}

TEST_F(ServerSessionTest, MalformedIsNotAWrongPassword) {
  using namespace std::string_literals;
  struct {
    Mechanism mechanism;
    std::vector<std::optional<std::string>> inputs;
  } cases[] = {
      {Mechanism::kPlain, {""}},
      {Mechanism::kPlain, {"no separators"}},
      {Mechanism::kPlain, {"\0only one"s}},
      {Mechanism::kPlain, {std::string(kMaxServerInput + 1, 'x')}},
      {Mechanism::kLogin, {std::nullopt, "al\0ice"s}},
      {Mechanism::kLogin, {std::nullopt, "alice", "pass\0word"s}},
      {Mechanism::kLogin, {""}},
      {Mechanism::kPlain, {std::nullopt, std::nullopt}},
      {Mechanism::kPlain, {std::nullopt, ""}},
      {Mechanism::kScramSha256, {std::nullopt, ""}},
      {Mechanism::kScramSha256, {std::nullopt, std::nullopt}},
      {Mechanism::kScramSha256, {""}},
      {Mechanism::kScramSha256, {"garbage"}},
      {Mechanism::kScramSha256, {"n,,n=user"}},
      {Mechanism::kScramSha256, {"n,,n=us\0er,r=abc"s}},
      {Mechanism::kScramSha256, {"n,,n=user,r=abc", "garbage"}},
      {Mechanism::kScramSha256, {"n,,n=user,r=abc", ""}},
  };
  for (const auto& c : cases) {
    auto step = Feed(c.mechanism, c.inputs);
    EXPECT_TRUE(absl::IsInvalidArgument(step.status())) << MechanismName(c.mechanism) << " " << step.status();
  }
}

TEST_F(ServerSessionTest, LongNamesAreUnknown) {
  using namespace std::string_literals;
  auto step = Feed(Mechanism::kPlain, {"\0"s + std::string(kMaxNameOctets + 1, 'a') + "\0x"s});
  EXPECT_TRUE(absl::IsUnauthenticated(step.status()));
  EXPECT_EQ(backend_.checks, 1) << "the time must be spent";
}

TEST_F(ServerSessionTest, AFaultOfTheBackendIsNotAWrongPassword) {
  backend_.fault = absl::UnavailableError("database");
  for (Mechanism mechanism : {Mechanism::kPlain, Mechanism::kLogin, Mechanism::kScramSha1, Mechanism::kScramSha256}) {
    Played played = Play(sasl_, backend_, mechanism, kUser, "correct horse", mechanism != Mechanism::kLogin);
    EXPECT_TRUE(absl::IsUnavailable(played.server)) << MechanismName(mechanism) << played.server;
  }
}

TEST_F(ServerSessionTest, ChannelBinding) {
  auto play = [&](Mechanism m, const std::string& server, const std::string& client) {
    return Play(sasl_, backend_, m, kUser, "correct horse", true, server, client);
  };
  // Not offered: refused before it begins.
  EXPECT_TRUE(absl::IsInvalidArgument(play(Mechanism::kScramSha256Plus, "", kBinding).server));
  // Somebody in the middle: the two ends see different data.
  EXPECT_FALSE(play(Mechanism::kScramSha256Plus, kBinding, std::string(32, 'x')).success);
  EXPECT_FALSE(play(Mechanism::kScramSha1Plus, kBinding, std::string(32, 'x')).success);
  // A client without binding may use the plain variant where -PLUS is offered too.
  EXPECT_TRUE(play(Mechanism::kScramSha256, kBinding, "").success);
  // RFC 5802, 6: "y" where the server does bind means that somebody removed -PLUS from the list.
  EXPECT_FALSE(Feed(Mechanism::kScramSha256, {"y,,n=alice@example.org,r=abc"}, kBinding).ok());
  EXPECT_TRUE(Feed(Mechanism::kScramSha256, {"y,,n=alice@example.org,r=abc"}).ok());
  // "p" in the plain variant is refused.
  EXPECT_FALSE(Feed(Mechanism::kScramSha256, {"p=tls-exporter,,n=alice@example.org,r=abc"}).ok());
}

TEST_F(ServerSessionTest, APasswordIsPreparedTheSameWayEverywhere) {
  backend_.Add("carol@example.org", "0003", "I\xC2\xADX");
  for (Mechanism mechanism : {Mechanism::kPlain, Mechanism::kLogin, Mechanism::kScramSha1, Mechanism::kScramSha256}) {
    EXPECT_TRUE(Play(sasl_, backend_, mechanism, "carol@example.org", "IX", mechanism != Mechanism::kLogin).success);
    EXPECT_TRUE(Play(sasl_, backend_, mechanism, "carol@example.org", "\xE2\x85\xA8", mechanism != Mechanism::kLogin).success);
  }
}

TEST_F(ServerSessionTest, AnyCharacterWorksEverywhere) {
  backend_.Add("\xC3\xA9lodie@example.org", "0004", "\xF0\x9F\x90\x99 \xC3\xA9, =2C");
  backend_.Add("x,y=z@example.org", "0005", "\xC3\xA9, =2C");
  for (Mechanism mechanism : {Mechanism::kPlain, Mechanism::kLogin, Mechanism::kScramSha1, Mechanism::kScramSha256}) {
    Played played;
    if (!IsScram(mechanism)) {  // the client of GNU SASL cannot: client_session.h
      played = Play(sasl_, backend_, mechanism, "\xC3\xA9lodie@example.org", "\xF0\x9F\x90\x99 \xC3\xA9, =2C",
                    mechanism != Mechanism::kLogin);
      EXPECT_TRUE(played.success) << MechanismName(mechanism) << played.server << played.client;
    }
    played = Play(sasl_, backend_, mechanism, "x,y=z@example.org", "\xC3\xA9, =2C", mechanism != Mechanism::kLogin);
    EXPECT_TRUE(played.success) << MechanismName(mechanism) << played.server << played.client;
  }
}

TEST_F(ServerSessionTest, NothingGoesOnAfterTheEnd) {
  using namespace std::string_literals;
  auto session = *sasl_.NewSession(Mechanism::kPlain, {}, &backend_);
  EXPECT_TRUE(absl::IsInvalidArgument(session->HashPassword().status())) << "nothing was shown yet";
  auto step = session->Step("\0alice@example.org\0correct horse"s);
  ASSERT_TRUE(step.ok());
  ASSERT_TRUE(std::holds_alternative<ServerHash>(*step));
  EXPECT_TRUE(absl::IsInvalidArgument(session->Step("\0alice@example.org\0correct horse"s).status()));
  step = session->HashPassword();
  ASSERT_TRUE(step.ok());
  EXPECT_TRUE(std::holds_alternative<ServerSuccess>(*step));
  EXPECT_TRUE(absl::IsInvalidArgument(session->HashPassword().status()));
  EXPECT_TRUE(absl::IsInvalidArgument(session->Step("\0alice@example.org\0correct horse"s).status()));
}

TEST_F(ServerSessionTest, AKnownPasswordNeedsNoHash) {
  using namespace std::string_literals;
  backend_.known_account = "0001";
  backend_.known_password = "correct horse";
  for (Mechanism mechanism : {Mechanism::kPlain, Mechanism::kLogin}) {
    EXPECT_TRUE(Play(sasl_, backend_, mechanism, kUser, "correct horse", mechanism != Mechanism::kLogin).success);
    EXPECT_EQ(backend_.checks, 0);
  }
  EXPECT_FALSE(Play(sasl_, backend_, Mechanism::kPlain, kUser, "wrong").success);
  EXPECT_EQ(backend_.checks, 1);
  // It does not let one act as another.
  backend_.Add("bob@example.org", "0002", "x");
  EXPECT_TRUE(absl::IsUnauthenticated(Feed(Mechanism::kPlain, {"bob@example.org\0alice@example.org\0correct horse"s}).status()));
}

TEST_F(ServerSessionTest, ExternalTakesTheCertificatesAddress) {
  auto account = [&](std::vector<std::optional<std::string>> inputs, const std::string& certificate) -> std::string {
    auto step = Feed(Mechanism::kExternal, std::move(inputs), "", certificate);
    if (!step.ok()) return absl::IsUnauthenticated(step.status()) ? "refused" : "malformed";
    auto* success = std::get_if<ServerSuccess>(&*step);
    return success != nullptr ? success->account_id : "challenge";
  };
  EXPECT_EQ(account({""}, kUser), "0001") << "RFC 4422, appendix A: an empty response is as good as a name";
  EXPECT_EQ(account({kUser}, kUser), "0001");
  EXPECT_EQ(account({std::nullopt}, kUser), "challenge");
  EXPECT_EQ(account({std::nullopt, ""}, kUser), "0001");
  EXPECT_EQ(account({""}, "nobody@example.org"), "refused");
  EXPECT_EQ(account({""}, ""), "malformed") << "no certificate";
  EXPECT_EQ(account({std::string("a\0b", 3)}, kUser), "malformed");
  backend_.Add("bob@example.org", "0002", "x");
  EXPECT_EQ(account({"bob@example.org"}, kUser), "refused");
}

}  // namespace
}  // namespace mailmesh::sasl
