#include "common/base/random.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <thread>
#include <unordered_set>
#include <vector>

#include "absl/hash/hash.h"
#include "common/base/fake_clock.h"
#include "common/base/ids.h"
#include "common/base/secret.h"

namespace mailmesh::base {
namespace {

TEST(NewIdTest, LaterIdsSortLaterInEveryForm) {
  FakeClock clock;
  const Id128 first = NewId(clock);
  clock.Advance(absl::Milliseconds(1));
  const Id128 second = NewId(clock);
  EXPECT_LT(first, second);
  EXPECT_LT(IdText(first), IdText(second));
  EXPECT_LT(IdHex(first), IdHex(second));
}

TEST(NewIdTest, TextHasItsLengthAndAlphabet) {
  EXPECT_EQ(IdText(Id128{}), std::string(26, '0'));
  Id128 ones;
  ones.fill(0xff);
  EXPECT_EQ(IdText(ones), "7" + std::string(25, 'z'));
  EXPECT_EQ(IdHex(ones), std::string(32, 'f'));
  EXPECT_EQ(NewSessionId().size(), 13u);
}

TEST(NewIdTest, AreDifferent) {
  std::set<std::string> ids;
  for (int i = 0; i < 10'000; ++i) ids.insert(NewIdText());
  EXPECT_EQ(ids.size(), 10'000u);
}

TEST(NewIdTest, OfSeveralThreadsAreDifferent) {
  std::vector<std::vector<std::string>> of_thread(4);
  std::vector<std::thread> threads;
  for (auto& ids : of_thread) {
    threads.emplace_back([&ids] {
      for (int i = 0; i < 1000; ++i) ids.push_back(NewSessionId());
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::set<std::string> all;
  for (const auto& ids : of_thread) all.insert(ids.begin(), ids.end());
  EXPECT_EQ(all.size(), 4000u);
}

TEST(RandomBelowTest, StaysBelowAndReachesAll) {
  std::set<uint64_t> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(RandomBelow(7));
  EXPECT_EQ(seen.size(), 7u);
  EXPECT_EQ(*seen.rbegin(), 6u);
  EXPECT_EQ(RandomBelow(1), 0u);
}

TEST(StrongIntTest, ComparesStepsAndHashes) {
  Uid uid(7);
  EXPECT_LT(uid, Uid(8));
  EXPECT_EQ(uid.Next(), Uid(8));
  EXPECT_EQ(++uid, Uid(8));
  EXPECT_FALSE(Uid());
  EXPECT_TRUE(uid);
  EXPECT_EQ(absl::Hash<Uid>()(Uid(8)), absl::Hash<Uid>()(uid));
  EXPECT_TRUE((std::unordered_set<Uid>{Uid(8)}.contains(uid)));
  static_assert(!std::is_convertible_v<uint32_t, Uid>);
  static_assert(!std::is_convertible_v<Uid, SequenceNumber>);
}

TEST(SecretTest, MovesAndForgets) {
  Secret secret("hunter2");
  Secret moved = std::move(secret);
  EXPECT_EQ(moved.Reveal(), "hunter2");
  EXPECT_TRUE(secret.empty());  // NOLINT(bugprone-use-after-move): what is tested
  Secret copy = moved;
  moved = Secret("other");
  EXPECT_EQ(copy.Reveal(), "hunter2");
  EXPECT_EQ(moved.Reveal(), "other");
}

}  // namespace
}  // namespace mailmesh::base
