#include "services/imap_gateway/search_program.h"

#include <gtest/gtest.h>

#include "common/imap/command_parser.h"
#include "common/rpc/status.h"
#include "services/imap_gateway/view/version_builder.h"

namespace mailmesh::imap_gateway {
namespace {

const Version kEmpty;

// UIDs 10, 20, ... 50; 2 and 3 seen, 3 with the keyword, 5 recent.
ClientView Five() {
  VersionBuilder builder(kEmpty);
  builder.SetKeywords({"word"});
  for (uint32_t i = 1; i <= 5; ++i) builder.Put({10 * i, i == 2 || i == 3 ? kFlagSeen : 0, i});
  builder.Put({30, kFlagSeen | uint64_t{1} << kFirstKeywordBit, 3});
  ClientView view(builder.Build());
  view.AddRecent(50, 50);
  return view;
}

absl::StatusOr<SearchProgram> Make(const std::string& condition, const ClientView& client) {
  imap::ParsedCommand parsed = imap::ParseCommand("t SEARCH " + condition);
  EXPECT_TRUE(parsed.command.ok()) << condition;
  imap::Search search = std::get<imap::Search>(std::move(*parsed.command));
  return SearchProgram::Make(std::move(search.key), search.charset, client);
}

TEST(SearchProgramTest, TheViewAnswers) {
  const ClientView client = Five();
  const struct {
    const char* condition;
    const char* found;
  } kCases[] = {{"ALL", "1:5"},         {"UNSEEN", "1,4:5"},       {"SEEN KEYWORD word", "3"},
                {"RECENT", "5"},        {"NEW", "5"},              {"OLD", "1:4"},
                {"UID 15:35", "2:3"},   {"2:3 UNKEYWORD word", "2"}, {"OR UID 10 5", "1,5"},
                {"NOT 2:*", "1"},       {"MODSEQ 4", "4:5"},       {"KEYWORD other", ""},
                {"UID 60:*", "5"}};
  for (const auto& c : kCases) {
    auto program = Make(c.condition, client);
    ASSERT_TRUE(program.ok()) << c.condition;
    EXPECT_FALSE(program->for_store().has_value()) << c.condition;
    EXPECT_EQ(program->MatchView(client).ToString(), c.found) << c.condition;
  }
}

TEST(SearchProgramTest, TheStoreGetsTheRest) {
  const ClientView client = Five();
  auto program = Make("UNSEEN SUBJECT x SINCE 1-Feb-1994", client);
  ASSERT_TRUE(program.ok());
  ASSERT_TRUE(program->for_store().has_value());
  EXPECT_EQ(program->MatchView(client).ToString(), "1,4:5");
  ASSERT_EQ(program->for_store()->all_of().keys_size(), 2);
  EXPECT_EQ(program->for_store()->all_of().keys(0).header().field(), "Subject");
  EXPECT_EQ(program->for_store()->all_of().keys(1).date().day(), 8797);
}

TEST(SearchProgramTest, WhatIsMixedGoesWhole) {
  const ClientView client = Five();
  auto program = Make("OR 2 BODY x", client);
  ASSERT_TRUE(program.ok());
  ASSERT_EQ(program->for_store()->any_of().keys_size(), 2);
  EXPECT_EQ(program->for_store()->any_of().keys(0).uids().first(0), 20u);
}

TEST(SearchProgramTest, Mistakes) {
  const ClientView client = Five();
  EXPECT_TRUE(rpc::HasReason(Make("CHARSET klingon SUBJECT x", client).status(), type::v1::ERROR_REASON_BAD_CHARSET));
  EXPECT_FALSE(Make("7", client).ok());
}

TEST(SearchProgramTest, TextsBecomeUtf8) {
  const ClientView client = Five();
  auto program = Make("CHARSET ISO-8859-1 SUBJECT \"\xe4\"", client);
  ASSERT_TRUE(program.ok());
  EXPECT_EQ(program->for_store()->header().text(), "\xc3\xa4");
}

TEST(SearchProgramTest, TheStoreCanGetItAll) {
  const ClientView client = Five();
  auto program = Make("UNSEEN RECENT SUBJECT x", client);
  ASSERT_TRUE(program.ok());
  const mailbox::v1::SearchKey whole = program->WholeForStore(client);
  ASSERT_EQ(whole.all_of().keys_size(), 2);
  const mailbox::v1::SearchKey& local = whole.all_of().keys(0);
  ASSERT_EQ(local.all_of().keys_size(), 2);
  EXPECT_EQ(local.all_of().keys(0).negated().flag().system_flag(), kFlagSeen);
  EXPECT_EQ(local.all_of().keys(1).uids().first(0), 50u);
  EXPECT_EQ(whole.all_of().keys(1).header().text(), "x");
  program = Make("ALL", client);
  ASSERT_TRUE(program.ok());
  ASSERT_EQ(program->WholeForStore(client).all_of().keys_size(), 1);
  EXPECT_TRUE(program->WholeForStore(client).all_of().keys(0).has_all_of());
}

}  // namespace
}  // namespace mailmesh::imap_gateway
