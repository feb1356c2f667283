// A client that believes what it is told always knows the mailbox.
#include "services/imap_gateway/client_view.h"

#include <gtest/gtest.h>

#include <regex>
#include <sstream>

#include "services/imap_gateway/flags.h"
#include "tests/unit/services/imap_gateway/view_test_util.h"

namespace mailmesh::imap_gateway {
namespace {

const Version kEmpty;

// Applies untagged responses as RFC 3501, 7 says. It knows UIDs only where it is told them, so it keeps the flags of each
// number and asks for the flags of new messages.
class ModelClient {
 public:
  explicit ModelClient(const Version& version) { Read(version, 1); }

  void Apply(const std::string& text, const Version& version) {
    static const std::regex expunge(R"(\* (\d+) EXPUNGE)");
    static const std::regex exists(R"(\* (\d+) EXISTS)");
    static const std::regex fetch(R"(\* (\d+) FETCH \(FLAGS \(([^)]*)\)\))");
    std::istringstream lines(text);
    std::string line;
    while (std::getline(lines, line)) {
      ASSERT_TRUE(line.ends_with('\r')) << line;
      line.pop_back();
      std::smatch match;
      if (std::regex_match(line, match, expunge)) {
        const size_t number = std::stoul(match[1]);
        ASSERT_GE(number, 1u);
        ASSERT_LE(number, flags_.size());
        flags_.erase(flags_.begin() + static_cast<ptrdiff_t>(number) - 1);
        ++expunges;
      } else if (std::regex_match(line, match, exists)) {
        const size_t count = std::stoul(match[1]);
        ASSERT_GE(count, flags_.size()) << "EXISTS may not shrink the mailbox";
        Read(version, static_cast<uint32_t>(flags_.size()) + 1);
        ASSERT_EQ(count, flags_.size());
      } else if (std::regex_match(line, match, fetch)) {
        const size_t number = std::stoul(match[1]);
        ASSERT_LE(number, flags_.size());
        flags_[number - 1] = match[2];
      } else {
        ASSERT_TRUE(line.ends_with("RECENT") || line.starts_with("* FLAGS") || line.starts_with("* OK")) << line;
      }
    }
  }

  void ExpectKnows(const Version& version) const {
    ASSERT_EQ(flags_.size(), version.size());
    for (uint32_t number = 1; number <= version.size(); ++number) {
      ASSERT_EQ(flags_[number - 1], Flags(version.At(number))) << "message " << number;
    }
  }

  int expunges = 0;

 private:
  static std::string Flags(const Message& message) {
    std::string text;
    imap::AppendFlags(text, ToImapFlags(message.flags));
    return text;
  }
  void Read(const Version& version, uint32_t first) {
    if (first > version.size()) return;
    version.ForEach(first, version.size(), [&](uint32_t, const Message& message) {
      flags_.push_back(Flags(message));
      return true;
    });
  }

  std::vector<std::string> flags_;
};

std::string Tell(ClientView& view, VersionPtr newest, const ClientView::Options& options, size_t limit = 1 << 20) {
  std::string all;
  view.Begin(std::move(newest), options);
  for (;;) {
    std::string part;
    const bool done = view.Write(part, limit);
    all += part;
    if (done) return all;
  }
}

TEST(ClientViewTest, AModelClientAlwaysKnowsTheMailbox) {
  for (uint32_t seed = 1; seed <= 40; ++seed) {
    std::mt19937 random(seed);
    PlainMailbox mailbox;
    VersionPtr version = Step(random, mailbox, Version());
    ClientView view(version);
    ModelClient client(*version);
    for (int step = 0; step < 120; ++step) {
      const int changes = static_cast<int>(random() % 4);
      for (int i = 0; i < changes; ++i) version = Step(random, mailbox, *version);
      ClientView::Options options;
      options.may_expunge = random() % 3 == 0;
      const int expunges_before = client.expunges;
      // A small limit: what is said is the same in pieces.
      const std::string told = Tell(view, version, options, 1 + random() % 200);
      ASSERT_NO_FATAL_FAILURE(client.Apply(told, view.known())) << "seed " << seed << " step " << step;
      ASSERT_NO_FATAL_FAILURE(client.ExpectKnows(view.known())) << "seed " << seed << " step " << step;
      if (!options.may_expunge) {
        ASSERT_EQ(client.expunges, expunges_before);
      } else {
        ASSERT_EQ(Messages(view.known()), Messages(mailbox)) << "seed " << seed << " step " << step;
        ASSERT_FALSE(view.holding_expunged());
      }
    }
  }
}

VersionPtr Five() {
  VersionBuilder builder(kEmpty);
  for (uint32_t uid = 1; uid <= 5; ++uid) builder.Put({uid, 0, uid});
  return builder.Build();
}

TEST(ClientViewTest, ExpungesWaitUntilTheyMayBeTold) {
  const VersionPtr first = Five();
  ClientView view(first);
  VersionBuilder builder(*first);
  builder.Expunge(2, 2);
  builder.Expunge(4, 4);
  builder.Put({5, kFlagSeen, 7});
  builder.Put({6, 0, 7});
  const VersionPtr second = builder.Build();
  ClientView::Options options;
  options.may_expunge = false;
  EXPECT_EQ(Tell(view, second, options),
            "* 6 EXISTS\r\n* 0 RECENT\r\n* 5 FETCH (FLAGS (\\Seen))\r\n");
  EXPECT_TRUE(view.holding_expunged());
  EXPECT_EQ(view.known().SequenceOf(6), 6u);
  options.may_expunge = true;
  EXPECT_TRUE(view.Differs(second));
  EXPECT_EQ(Tell(view, second, options), "* 2 EXPUNGE\r\n* 3 EXPUNGE\r\n");
  EXPECT_FALSE(view.Differs(second));
}

TEST(ClientViewTest, SilentStoreHidesItsOwnChangeOnly) {
  const VersionPtr first = Five();
  ClientView view(first);
  VersionBuilder builder(*first);
  builder.Put({1, kFlagSeen, 6});
  builder.Put({2, kFlagSeen | kFlagFlagged, 6});  // somebody else flagged it meanwhile
  builder.Put({3, kFlagSeen, 6});                 // not of the set
  const OwnStore own{imap::SequenceSet(1, 2), imap::Store::Mode::kAdd, kFlagSeen};
  ClientView::Options options;
  options.silent = &own;
  EXPECT_EQ(Tell(view, builder.Build(), options),
            "* 2 FETCH (FLAGS (\\Flagged \\Seen))\r\n* 3 FETCH (FLAGS (\\Seen))\r\n");
  EXPECT_EQ(view.known().At(1).flags, kFlagSeen);
}

TEST(ClientViewTest, RecentIsCountedOfWhatIsThere) {
  const VersionPtr first = Five();
  ClientView view(first);
  view.AddRecent(3, 5);
  EXPECT_EQ(view.CountRecent(), 3u);
  EXPECT_TRUE(view.IsRecent(3));
  EXPECT_FALSE(view.IsRecent(2));
  VersionBuilder builder(*first);
  builder.Expunge(4, 4);
  builder.Put({6, 0, 7});
  view.AddRecent(6, 6);
  EXPECT_EQ(Tell(view, builder.Build(), {}), "* 4 EXPUNGE\r\n* 5 EXISTS\r\n* 3 RECENT\r\n");
}

TEST(ClientViewTest, NewKeywordsAreToldBeforeTheyAreSeen) {
  const VersionPtr first = Five();
  ClientView view(first);
  VersionBuilder builder(*first);
  builder.SetKeywords({"word"});
  builder.Put({2, uint64_t{1} << kFirstKeywordBit, 7});
  const std::string told = Tell(view, builder.Build(), {});
  EXPECT_LT(told.find("* FLAGS ("), told.find("* 2 FETCH (FLAGS (word))")) << told;
  EXPECT_NE(told.find("[PERMANENTFLAGS ("), std::string::npos) << told;
}

TEST(ClientViewTest, CondstoreClientsAreToldModSeqs) {
  const VersionPtr first = Five();
  ClientView view(first);
  VersionBuilder builder(*first);
  builder.Put({2, 0, 9});
  ClientView::Options options;
  EXPECT_EQ(Tell(view, builder.Build(), options), "");
  VersionBuilder again(view.known());
  again.Put({2, 0, 10});
  options.with_modseq = true;
  options.with_uid = true;
  EXPECT_EQ(Tell(view, again.Build(), options), "* 2 FETCH (UID 2 MODSEQ (10) FLAGS ())\r\n");
}

}  // namespace
}  // namespace mailmesh::imap_gateway
