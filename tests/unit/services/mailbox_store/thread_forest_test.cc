#include "services/mailbox_store/engine/thread_forest.h"

#include <gtest/gtest.h>

#include <chrono>
#include <random>
#include <set>
#include <string>

namespace mailmesh::mailbox_store {
namespace {

// "(1 2 (3)(4))", as THREAD answers it; a message that is not there has no number.
std::string Show(const std::vector<ThreadLine>& lines, size_t* at, uint32_t depth) {
  std::string out;
  while (*at < lines.size() && lines[*at].depth == depth) {
    const ThreadLine& line = lines[(*at)++];
    out += "(" + (line.uid == 0 ? std::string("-") : std::to_string(line.uid)) + Show(lines, at, depth + 1) + ")";
  }
  return out;
}

std::string Show(const std::vector<ThreadLine>& lines) {
  size_t at = 0;
  std::string out = Show(lines, &at, 0);
  EXPECT_EQ(at, lines.size());
  return out;
}

struct Mail {
  uint64_t id = 0;
  std::vector<uint64_t> references = {};
  uint64_t subject = 0;
  bool is_reply = false;
  int64_t date = -1;  // by its place
};

std::string Threads(const std::vector<Mail>& mails) {
  ReferenceThreader threader;
  for (size_t i = 0; i < mails.size(); ++i) {
    const Mail& mail = mails[i];
    const int64_t date = mail.date < 0 ? static_cast<int64_t>(i) * 10 : mail.date;
    threader.Add({static_cast<uint32_t>(i + 1), date, mail.subject, mail.is_reply}, mail.id, mail.references);
  }
  return Show(std::move(threader).Finish());
}

// RFC 5256, 3 (ORDEREDSUBJECT).
TEST(ThreadForestTest, OrderedSubject) {
  const ThreadedMessage messages[] = {{1, 30, 7, false}, {2, 10, 8, false}, {3, 20, 7, false},
                                      {4, 40, 8, false}, {5, 5, 9, false},  {6, 10, 8, false}};
  EXPECT_EQ(Show(ThreadBySubject(messages)), "(5)(2(6)(4))(3(1))");
  EXPECT_EQ(Show(ThreadBySubject({})), "");
}

TEST(ThreadForestTest, Replies) {
  EXPECT_EQ(Threads({}), "");
  EXPECT_EQ(Threads({{11}, {12, {11}}, {13, {11, 12}}, {14, {11}}, {15}}), "(1(2(3))(4))(5)");
  // The reply stands before what it answers.
  EXPECT_EQ(Threads({{12, {11}}, {11, {}, 0, false, 0}}), "(2(1))");
  // Without an id it can only be a child.
  EXPECT_EQ(Threads({{11}, {0, {11}}, {0}}), "(1(2))(3)");
}

// RFC 5256, 3 (1)(A).
TEST(ThreadForestTest, TheFirstHasTheId) {
  EXPECT_EQ(Threads({{11}, {11}, {12, {11}}}), "(1(3))(2)");
}

TEST(ThreadForestTest, MissingMessages) {
  // One child of a message that is not there is the thread itself.
  EXPECT_EQ(Threads({{12, {11}}}), "(1)");
  // Several are siblings under it.
  EXPECT_EQ(Threads({{12, {11}}, {13, {11}}}), "(-(1)(2))");
  // Below the top a missing message is left out, however many there are in a row.
  EXPECT_EQ(Threads({{11}, {15, {11, 12, 13, 14}}, {16, {11, 12, 13, 14}}}), "(1(2)(3))");
  EXPECT_EQ(Threads({{15, {10, 11, 12, 13}}, {16, {10, 11, 14}}}), "(-(1)(2))");
  EXPECT_EQ(Threads({{15, {10, 11, 12, 13}}}), "(1)");
}

TEST(ThreadForestTest, TheLastReferenceIsTheParent) {
  // The references of 3 say that 12 is a child of 11; 12 itself knows better.
  EXPECT_EQ(Threads({{10}, {11}, {13, {11, 12}}, {12, {10}}}), "(1(4(3)))(2)");
  // A message without references has no parent, unless a later one says so.
  EXPECT_EQ(Threads({{11}, {13, {11, 12}}, {12}}), "(1)(3(2))");
  EXPECT_EQ(Threads({{11}, {12}, {13, {11, 12}}}), "(1(2(3)))");
}

TEST(ThreadForestTest, Loops) {
  EXPECT_EQ(Threads({{11, {11}}}), "(1)");
  EXPECT_EQ(Threads({{11, {12}}, {12, {11}}}), "(2(1))");
  EXPECT_EQ(Threads({{11, {13}}, {12, {11}}, {13, {12}}}), "(3(1(2)))");
  EXPECT_EQ(Threads({{11, {12, 13, 12, 13, 11}}}), "(1)");
}

// RFC 5256, 3 (5).
TEST(ThreadForestTest, SubjectsGather) {
  // A reply goes below what it answers.
  EXPECT_EQ(Threads({{11, {}, 7}, {12, {}, 7, true}, {13, {}, 7, true}}), "(1(2)(3))");
  EXPECT_EQ(Threads({{12, {}, 7, true}, {11, {}, 7}}), "(2(1))");
  // Equals become siblings.
  EXPECT_EQ(Threads({{11, {}, 7}, {12, {}, 7}, {13, {}, 7, true}}), "(-(1)(2)(3))");
  EXPECT_EQ(Threads({{11, {}, 7, true}, {12, {}, 7, true}}), "(-(1)(2))");
  // Into a thread whose first message is not there.
  EXPECT_EQ(Threads({{12, {11}, 7, true}, {13, {11}, 7, true}, {14, {}, 7}}), "(-(1)(2)(3))");
  EXPECT_EQ(Threads({{12, {11}, 7}, {13, {11}, 7}, {22, {21}, 7}, {23, {21}, 7}}), "(-(1)(2)(3)(4))");
  // An empty subject says nothing.
  EXPECT_EQ(Threads({{11}, {12}}), "(1)(2)");
}

TEST(ThreadForestTest, DatesDecideTheOrder) {
  EXPECT_EQ(Threads({{11, {}, 0, false, 50}, {12, {}, 0, false, 40}, {13, {11}, 0, false, 30}, {14, {11}, 0, false, 20}}),
            "(2)(1(4)(3))");
  // A message that is not there counts as its first child.
  EXPECT_EQ(Threads({{11, {10}, 0, false, 50}, {12, {10}, 0, false, 20}, {13, {}, 0, false, 30}}), "(-(2)(1))(3)");
  EXPECT_EQ(Threads({{11, {}, 0, false, 9}, {12, {}, 0, false, 9}}), "(1)(2)");
}

// Whatever the references say, each message is there once.
TEST(ThreadForestTest, AnyReferencesGiveAForest) {
  std::mt19937 random(7);
  for (int round = 0; round < 300; ++round) {
    ReferenceThreader threader;
    const uint32_t count = random() % 40;
    for (uint32_t uid = 1; uid <= count; ++uid) {
      std::vector<uint64_t> references;
      for (uint32_t i = random() % 6; i > 0; --i) references.push_back(1 + random() % 30);
      threader.Add({uid, static_cast<int64_t>(random() % 50), random() % 8, random() % 2 == 0}, random() % 30, references);
    }
    std::multiset<uint32_t> seen;
    uint32_t depth = 0;
    for (const ThreadLine& line : std::move(threader).Finish()) {
      EXPECT_LE(line.depth, depth);
      depth = line.depth + 1;
      if (line.uid == 0) {
        EXPECT_EQ(line.depth, 0u);
      }
      if (line.uid != 0) seen.insert(line.uid);
    }
    EXPECT_EQ(seen.size(), count);
    EXPECT_EQ(std::set<uint32_t>(seen.begin(), seen.end()).size(), count);
  }
}

// Chains, in each direction, and messages that contradict them: nothing is quadratic, nothing recurses.
TEST(ThreadForestTest, TimeIsLinear) {
  constexpr uint32_t kCount = 300'000;
  const auto start = std::chrono::steady_clock::now();
  for (const int way : {0, 1, 2}) {
    ReferenceThreader threader;
    for (uint32_t i = 1; i <= kCount; ++i) {
      const uint64_t id = way == 1 ? kCount + 1 - i : i;
      std::vector<uint64_t> references;
      if (way == 2 && i > kCount / 2) {
        references = {kCount / 2, 1, i - 1};
      } else if (id > 1) {
        references = {id - 1};
      }
      threader.Add({i, i, 1 + i, false}, id, references);
    }
    EXPECT_EQ(std::move(threader).Finish().size(), kCount);
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
}

}  // namespace
}  // namespace mailmesh::mailbox_store
