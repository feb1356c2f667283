#include "common/service/session_registry.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace mailmesh::service {
namespace {

SessionFacts Facts(std::string id) {
  SessionFacts facts;
  facts.session_id = std::move(id);
  facts.protocol = "imap";
  return facts;
}

TEST(SessionRegistryTest, ListsInPagesWithCurrentFacts) {
  SessionRegistry registry;
  auto a = registry.Register(Facts("a"), nullptr);
  auto b = registry.Register(Facts("b"), nullptr);
  auto c = registry.Register(Facts("c"), nullptr);
  b.SetAccount("bob");
  b.SetState("selected");
  b.SetTls(true);
  auto page = registry.List("", 2);
  ASSERT_EQ(page.size(), 2u);
  EXPECT_EQ(page[1].account, "bob");
  EXPECT_EQ(page[1].state, "selected");
  EXPECT_TRUE(page[1].tls);
  EXPECT_GT(page[0].start, absl::Now() - absl::Minutes(1));
  page = registry.List("b", 2);
  ASSERT_EQ(page.size(), 1u);
  EXPECT_EQ(page[0].session_id, "c");
  {
    auto moved = std::move(c);
  }
  EXPECT_EQ(registry.size(), 2u);
  a = std::move(b);
  EXPECT_EQ(registry.size(), 1u);
}

TEST(SessionRegistryTest, SameIdsDoNotHideEachOther) {
  SessionRegistry registry;
  auto first = registry.Register(Facts("a"), nullptr);
  {
    auto second = registry.Register(Facts("a"), nullptr);
    EXPECT_EQ(registry.size(), 2u);
  }
  EXPECT_EQ(registry.size(), 1u);
}

TEST(SessionRegistryTest, KicksOnceAndNotAfterTheEnd) {
  SessionRegistry registry;
  int kicks = 0;
  {
    auto entry = registry.Register(Facts("a"), [&kicks](KickReason reason) {
      EXPECT_EQ(reason, KickReason::kOperator);
      ++kicks;
    });
    EXPECT_TRUE(registry.KickOne("a").ok());
    EXPECT_TRUE(registry.KickOne("a").ok());
    EXPECT_EQ(registry.KickOne("b").code(), absl::StatusCode::kNotFound);
  }
  EXPECT_EQ(registry.KickOne("a").code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(kicks, 1);
}

TEST(SessionRegistryTest, AccountsAndTheirSessions) {
  SessionRegistry registry;
  std::vector<std::string> kicked;
  std::vector<SessionRegistry::Entry> entries;
  for (const char* id : {"a", "b", "c", "d"}) {
    entries.push_back(registry.Register(Facts(id), [&kicked, id](KickReason) { kicked.emplace_back(id); }));
  }
  EXPECT_TRUE(registry.Accounts().empty()) << "nobody has logged in";
  entries[0].SetAccount("bob");
  entries[1].SetAccount("eve");
  entries[2].SetAccount("bob");
  EXPECT_EQ(registry.Accounts(), (std::vector<std::string>{"bob", "eve"}));
  registry.KickAccount("bob");
  registry.KickAccount("nobody");
  EXPECT_EQ(kicked, (std::vector<std::string>{"a", "c"}));
}

TEST(SessionRegistryTest, DrainKicksAllAndWaits) {
  SessionRegistry registry;
  std::vector<std::thread> sessions;
  std::atomic<int> kicked = 0;
  std::vector<std::unique_ptr<std::atomic<bool>>> flags;
  for (int i = 0; i < 8; ++i) {
    flags.push_back(std::make_unique<std::atomic<bool>>(false));
    std::atomic<bool>& flag = *flags.back();
    auto entry = registry.Register(Facts("s"), [&flag, &kicked](KickReason reason) {
      EXPECT_EQ(reason, KickReason::kDrain);
      ++kicked;
      flag = true;
    });
    sessions.emplace_back([entry = std::move(entry), &flag]() mutable {
      while (!flag) absl::SleepFor(absl::Milliseconds(1));
      SessionRegistry::Entry ended = std::move(entry);
    });
  }
  EXPECT_TRUE(registry.DrainAll(absl::Now() + absl::Seconds(10), absl::Milliseconds(50)));
  EXPECT_EQ(kicked, 8);
  for (std::thread& session : sessions) session.join();
  // Whoever comes now is sent away at once.
  bool late = false;
  auto entry = registry.Register(Facts("late"), [&late](KickReason) { late = true; });
  EXPECT_TRUE(late);
  EXPECT_FALSE(registry.WaitUntilEmpty(absl::Now() + absl::Milliseconds(10)));
}

TEST(SessionRegistryTest, DrainEndsAtItsDeadline) {
  SessionRegistry registry;
  auto entry = registry.Register(Facts("stubborn"), nullptr);
  const absl::Time start = absl::Now();
  EXPECT_FALSE(registry.DrainAll(start + absl::Milliseconds(50)));
  EXPECT_GE(absl::Now() - start, absl::Milliseconds(50));
  EXPECT_EQ(registry.EndDrain().cut, 1u);
}

// What ends between the deadline and the last look was not cut.
TEST(SessionRegistryTest, OnlyWhoIsThereAtTheVeryEndIsCut) {
  SessionRegistry registry;
  auto slow = registry.Register(Facts("slow"), nullptr);
  auto stubborn = registry.Register(Facts("stubborn"), nullptr);
  EXPECT_FALSE(registry.DrainAll(absl::Now() + absl::Milliseconds(50)));
  slow = SessionRegistry::Entry();
  const SessionRegistry::DrainCounts counts = registry.EndDrain();
  EXPECT_EQ(counts.told, 1u);
  EXPECT_EQ(counts.cut, 1u);
  stubborn = SessionRegistry::Entry();
  EXPECT_EQ(registry.EndDrain().told, 1u) << "each session once";
  EXPECT_EQ(registry.drain_counts().cut, 1u);
}

// A connection that was taken in the very moment may become a session when all others have ended.
TEST(SessionRegistryTest, WhoComesWhenAllOthersHaveEndedIsCounted) {
  SessionRegistry registry;
  EXPECT_TRUE(registry.DrainAll(absl::Now() + absl::Seconds(10)));
  { auto ends = registry.Register(Facts("ends"), nullptr); }
  auto stays = registry.Register(Facts("stays"), nullptr);
  const SessionRegistry::DrainCounts counts = registry.EndDrain();
  EXPECT_EQ(counts.told, 1u);
  EXPECT_EQ(counts.cut, 1u);
}

TEST(SessionRegistryTest, LastCallComesBeforeTheDeadline) {
  SessionRegistry registry;
  std::vector<KickReason> heard;
  auto entry = registry.Register(Facts("busy"), [&heard](KickReason reason) { heard.push_back(reason); });
  EXPECT_FALSE(registry.DrainAll(absl::Now() + absl::Milliseconds(100)));
  EXPECT_EQ(heard, (std::vector<KickReason>{KickReason::kDrain, KickReason::kLastCall}));
  // Whoever comes now has missed it all but the last call; and an operator is heard whatever came before.
  std::vector<KickReason> late;
  auto other = registry.Register(Facts("late"), [&late](KickReason reason) { late.push_back(reason); });
  EXPECT_TRUE(registry.KickOne("late").ok());
  EXPECT_TRUE(registry.KickOne("late").ok());
  EXPECT_EQ(late, (std::vector<KickReason>{KickReason::kLastCall, KickReason::kOperator}));
}

TEST(SessionRegistryTest, TheTurnsOfADrainAreSpreadAndItsEndsAreCounted) {
  SessionRegistry registry;
  constexpr int kSessions = 10;
  constexpr absl::Duration kSpread = absl::Milliseconds(500);
  std::vector<absl::Time> told(kSessions);
  std::vector<SessionRegistry::Entry> entries(kSessions);
  for (int i = 0; i < kSessions; ++i) {
    entries[i] = registry.Register(Facts(absl::StrCat("s", i)), [&told, i](KickReason) { told[i] = absl::Now(); });
  }
  { const auto before = registry.Register(Facts("before"), nullptr); }
  const absl::Time start = absl::Now();
  std::thread drain([&registry, start, kSpread] { EXPECT_TRUE(registry.DrainAll(start + absl::Seconds(20), kSpread)); });
  // The first is told at once, the last one's turn has not come: it ends by itself.
  while (registry.size() == kSessions && absl::Now() < start + absl::Milliseconds(100)) absl::SleepFor(absl::Milliseconds(5));
  entries.back() = SessionRegistry::Entry();
  absl::SleepFor(start + 2 * kSpread - absl::Now());
  entries.clear();
  drain.join();
  for (int i = 0; i + 1 < kSessions; ++i) {
    EXPECT_GE(told[i] - start, kSpread / kSessions * i) << i;
    if (i > 0) {
      EXPECT_GT(told[i], told[i - 1]);
    }
  }
  EXPECT_EQ(told.back(), absl::Time());
  const SessionRegistry::DrainCounts counts = registry.drain_counts();
  EXPECT_EQ(counts.finished, 1u);
  EXPECT_EQ(counts.told, 9u);
  EXPECT_EQ(counts.cut, 0u);
}

}  // namespace
}  // namespace mailmesh::service
