#include <gtest/gtest.h>

#include "common/imap/command_parser.h"
#include "common/imap/search_key.h"

namespace mailmesh::imap {
namespace {

std::string Canonical(const std::string& keys, const SearchLimits& limits = {}) {
  ParseOptions options;
  options.search = limits;
  const ParsedCommand parsed = ParseCommand("a SEARCH " + keys, options);
  if (!parsed.command.ok()) return "error";
  std::string out;
  AppendSearchKey(out, std::get<Search>(*parsed.command).key);
  return out;
}

TEST(SearchTest, EveryKeyRoundTrips) {
  for (const char* key :
       {"ALL", "ANSWERED", "BCC x", "BEFORE 1-Feb-1994", "BODY \"a b\"", "CC x", "DELETED", "DRAFT", "FLAGGED", "FROM x", "HEADER Message-ID <a@b>",
        "HEADER X \"\"", "KEYWORD $Junk", "LARGER 100", "MODSEQ 620162338", "MODSEQ \"/flags/\\\\draft\" all 620162338", "OLDER 60",
        "ON 1-Feb-1994", "RECENT", "SEEN", "SENTBEFORE 1-Feb-1994", "SENTON 1-Feb-1994", "SENTSINCE 1-Feb-1994", "SINCE 1-Feb-1994", "SMALLER 5",
        "SUBJECT x", "TEXT x", "TO x", "UID 1:5,7:*", "YOUNGER 1", "1:5,*", "$", "NOT SEEN", "NOT KEYWORD x", "OR SEEN DELETED",
        "SEEN NOT DELETED", "OR (SEEN DRAFT) NOT (FROM x TO y)", "FROM {2}\r\n\xc3\xbc", "UID $"}) {
    EXPECT_EQ(Canonical(key), key);
  }
}

TEST(SearchTest, Simplifies) {
  EXPECT_EQ(Canonical("UNSEEN UNDELETED UNANSWERED UNDRAFT UNFLAGGED UNKEYWORD x"),
            "NOT SEEN NOT DELETED NOT ANSWERED NOT DRAFT NOT FLAGGED NOT KEYWORD x");
  EXPECT_EQ(Canonical("NEW"), "RECENT NOT SEEN");
  EXPECT_EQ(Canonical("OLD"), "NOT RECENT");
  EXPECT_EQ(Canonical("NOT UNSEEN"), "SEEN");
  EXPECT_EQ(Canonical("NOT NOT NOT SEEN"), "NOT SEEN");
  EXPECT_EQ(Canonical("NOT (NOT SEEN)"), "SEEN");
  EXPECT_EQ(Canonical("((((SEEN))))"), "SEEN");
  EXPECT_EQ(Canonical("SEEN (DRAFT (DELETED FLAGGED))"), "SEEN DRAFT DELETED FLAGGED");
  EXPECT_EQ(Canonical("OR OR SEEN DRAFT DELETED"), "OR SEEN OR DRAFT DELETED");
  EXPECT_EQ(Canonical("OR (OR SEEN DRAFT) DELETED"), "OR SEEN OR DRAFT DELETED");
  EXPECT_EQ(Canonical("OR NEW OLD"), "OR (RECENT NOT SEEN) NOT RECENT");
  EXPECT_EQ(Canonical("before \"1-Feb-1994\" from X"), "BEFORE 1-Feb-1994 FROM X");
}

TEST(SearchTest, Refuses) {
  for (const char* keys :
       {"", "FOO", "SEEN ", "SEEN  DRAFT", "(SEEN", "SEEN)", "()", "NOT", "NOT ", "OR SEEN", "OR SEEN ", "FROM", "FROM ", "BEFORE x",
        "BEFORE 30-Feb-2000", "LARGER", "LARGER x", "LARGER -1", "LARGER 9223372036854775808", "OLDER 0", "YOUNGER x", "HEADER x", "KEYWORD",
        "KEYWORD \"x\"", "UID x", "0", "1:", "MODSEQ", "MODSEQ \"/flags/x\" 5", "MODSEQ \"/flags/x\" foo 5", "SEENX", "SEEN(DRAFT)",
        "(SEEN)(DRAFT)", "OR (SEEN) (DRAFT", "NOT)", "1,2 3x"}) {
    EXPECT_EQ(Canonical(keys), "error") << keys;
  }
}

TEST(SearchTest, OptionsAndCharset) {
  const auto parse = [](const char* text) {
    ParsedCommand parsed = ParseCommand(text);
    EXPECT_TRUE(parsed.command.ok()) << text << parsed.command.status();
    return parsed.command.ok() ? std::get<Search>(*parsed.command) : Search();
  };
  EXPECT_FALSE(parse("a SEARCH ALL").returns);
  EXPECT_EQ(parse("a SEARCH RETURN () ALL").returns, kReturnAll);
  const Search search = parse("a UID SEARCH RETURN (MIN MAX COUNT SAVE ALL) CHARSET \"utf-8\" TEXT {2}\r\n\xc3\xbc");
  EXPECT_TRUE(search.uid);
  EXPECT_EQ(search.returns, kReturnMin | kReturnMax | kReturnCount | kReturnSave | kReturnAll);
  EXPECT_EQ(search.charset, "UTF-8");
  EXPECT_EQ(search.key.text, "\xc3\xbc");
  for (const char* text : {"a SEARCH", "a SEARCH RETURN ALL", "a SEARCH RETURN (FOO) ALL", "a SEARCH RETURN ()", "a SEARCH CHARSET UTF-8",
                           "a SEARCH CHARSET ALL", "a SEARCH CHARSET UTF-8 RETURN () ALL"}) {
    EXPECT_EQ(ParseCommand(text).command.status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

TEST(SearchTest, SortAndThread) {
  ParsedCommand parsed = ParseCommand("a UID SORT (REVERSE DATE SUBJECT ARRIVAL CC FROM SIZE TO) UTF-8 ALL");
  ASSERT_TRUE(parsed.command.ok()) << parsed.command.status();
  const Sort& sort = std::get<Sort>(*parsed.command);
  EXPECT_TRUE(sort.uid);
  ASSERT_EQ(sort.criteria.size(), 7u);
  EXPECT_EQ(sort.criteria[0], (SortCriterion{SortCriterion::Key::kDate, true}));
  EXPECT_EQ(sort.criteria[1], (SortCriterion{SortCriterion::Key::kSubject, false}));
  parsed = ParseCommand("a THREAD references us-ascii SEEN FROM x");
  ASSERT_TRUE(parsed.command.ok()) << parsed.command.status();
  EXPECT_EQ(std::get<Thread>(*parsed.command).algorithm, Thread::Algorithm::kReferences);
  EXPECT_EQ(std::get<Thread>(*parsed.command).charset, "US-ASCII");
  for (const char* text : {"a SORT (DATE) ALL", "a SORT () UTF-8 ALL", "a SORT DATE UTF-8 ALL", "a SORT (REVERSE) UTF-8 ALL", "a SORT (FOO) UTF-8 ALL",
                           "a THREAD FOO UTF-8 ALL", "a THREAD REFERENCES ALL", "a THREAD REFERENCES UTF-8"}) {
    EXPECT_EQ(ParseCommand(text).command.status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

// Alternates AND, OR and NOT, so that nothing can be simplified; `levels` of them.
std::string Nested(size_t levels) {
  std::string head, tail;
  for (size_t i = 0; i + 1 < levels; ++i) {
    if (i % 2 == 0) {
      head += "NOT ";
    } else {
      head += "(SEEN ";
      tail += ")";
    }
  }
  return head + "DRAFT" + tail;
}

TEST(SearchTest, DepthLimit) {
  const SearchLimits limits{.max_depth = 9, .max_keys = 1000, .max_open = 1000};
  EXPECT_NE(Canonical(Nested(8), limits), "error");
  EXPECT_NE(Canonical(Nested(9), limits), "error");
  EXPECT_EQ(Canonical(Nested(10), limits), "error");
  EXPECT_NE(Canonical(Nested(63)), "error");
  EXPECT_EQ(Canonical(Nested(66)), "error");
}

TEST(SearchTest, KeyLimit) {
  const SearchLimits limits{.max_depth = 64, .max_keys = 100, .max_open = 200};
  const auto keys = [](size_t count) {
    std::string text = "1";
    for (size_t i = 1; i < count; ++i) text += " 1";
    return text;
  };
  EXPECT_NE(Canonical(keys(99), limits), "error");
  EXPECT_NE(Canonical(keys(100), limits), "error");
  EXPECT_EQ(Canonical(keys(101), limits), "error");
}

TEST(SearchTest, OpenLimit) {
  const SearchLimits limits{.max_depth = 64, .max_keys = 1000, .max_open = 10};
  const auto open = [](size_t count) { return std::string(count, '(') + "SEEN" + std::string(count, ')'); };
  EXPECT_EQ(Canonical(open(9), limits), "SEEN");
  EXPECT_EQ(Canonical(open(10), limits), "SEEN");
  EXPECT_EQ(Canonical(open(11), limits), "error");
}

TEST(SearchTest, HostileInput) {
  EXPECT_EQ(Canonical(std::string(60000, '(')), "error");
  std::string nots, ors, right;
  for (int i = 0; i < 9000; ++i) nots += "NOT ", ors += "OR ";
  EXPECT_EQ(Canonical(nots + "SEEN"), "SEEN");
  EXPECT_EQ(Canonical(ors + "SEEN"), "error");
  // The long chains that clients make stay flat.
  for (int i = 0; i < 3000; ++i) right += "OR UID " + std::to_string(i + 1) + " ";
  EXPECT_EQ(Canonical(right + "UID 1"), right + "UID 1");
  EXPECT_EQ(Canonical(ors.substr(0, 3 * 999) + [] {
              std::string operands = "1";
              for (int i = 0; i < 999; ++i) operands += " 1";
              return operands;
            }()).substr(0, 10),
            "OR 1 OR 1 ");
}

}  // namespace
}  // namespace mailmesh::imap
