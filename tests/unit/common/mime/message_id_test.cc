#include "common/mime/message_id.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace mailmesh::mime {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> All(std::string_view text) {
  std::vector<std::string> ids;
  std::string scratch;
  while (const auto id = TakeMessageId(&text, &scratch)) ids.emplace_back(*id);
  EXPECT_TRUE(text.empty());
  return ids;
}

TEST(MessageIdTest, Ids) {
  EXPECT_THAT(All("<a@b>"), ElementsAre("a@b"));
  EXPECT_THAT(All("<a@b> <c@d>\r\n <e@f>"), ElementsAre("a@b", "c@d", "e@f"));
  EXPECT_THAT(All("<a@b><c@d>"), ElementsAre("a@b", "c@d"));
  EXPECT_THAT(All("Your message of <a@b> from \"x\""), ElementsAre("a@b"));
  EXPECT_THAT(All("<a@[10.0.0.1]>"), ElementsAre("a@[10.0.0.1]"));
}

// RFC 5256, 3: <"01KF8JCEOCBS0045PS"@xxx.yyy.com> is <01KF8JCEOCBS0045PS@xxx.yyy.com>.
TEST(MessageIdTest, Normalized) {
  EXPECT_THAT(All("<\"01KF8JCEOCBS0045PS\"@xxx.yyy.com>"), ElementsAre("01KF8JCEOCBS0045PS@xxx.yyy.com"));
  EXPECT_THAT(All("< a @ b >"), ElementsAre("a@b"));
  EXPECT_THAT(All("<a(comment <x@y>)@b>"), ElementsAre("a@b"));
  EXPECT_THAT(All("<\"a\\\"b>\"@c>"), ElementsAre("a\"b>@c"));
  EXPECT_THAT(All("<A@b> <a@B>"), ElementsAre("A@b", "a@B"));
}

TEST(MessageIdTest, WhatIsNone) {
  EXPECT_THAT(All(""), IsEmpty());
  EXPECT_THAT(All("no id"), IsEmpty());
  EXPECT_THAT(All("<>"), IsEmpty());
  EXPECT_THAT(All("<no-at> <a@b>"), ElementsAre("a@b"));
  EXPECT_THAT(All("<not closed <a@b>"), ElementsAre("a@b"));
  EXPECT_THAT(All("<a@b"), IsEmpty());
  EXPECT_THAT(All("<a@b \"x"), IsEmpty());
  EXPECT_THAT(All("<a@b (x"), IsEmpty());
}

}  // namespace
}  // namespace mailmesh::mime
