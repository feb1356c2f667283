#include "common/mime/compose.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "common/base/fake_clock.h"
#include "common/mime/encoded_word.h"
#include "common/mime/header.h"

namespace mailmesh::mime {
namespace {

std::string Field(std::string_view name, std::string_view value) {
  std::string out;
  AppendField(&out, name, value);
  return out;
}

TEST(ComposeTest, ShortAndEmptyFields) {
  EXPECT_EQ(Field("Subject", "hello"), "Subject: hello\r\n");
  EXPECT_EQ(Field("Subject", ""), "Subject:\r\n");
  EXPECT_EQ(Field("Subject", "  "), "Subject:\r\n");
}

TEST(ComposeTest, NothingBreaksOut) {
  EXPECT_EQ(Field("Subject", "a\r\nBcc: x"), "Subject: a Bcc: x\r\n");
  EXPECT_EQ(Field("Subject", "a\r\n b\n\n"), "Subject: a b\r\n");
  EXPECT_EQ(Field("Subject", std::string_view("a\0b", 3)), "Subject: a b\r\n");
}

TEST(ComposeTest, FoldsAt78AndNeverBeyond998) {
  std::string words;
  for (int i = 0; i < 200; ++i) words += (i == 0 ? "word" : " word") + std::to_string(i);
  for (const std::string& value : {words, std::string(3000, 'x'), "a " + std::string(2000, ' ') + " b", std::string(990, 'x') + " y"}) {
    const std::string field = Field("Subject", value);
    size_t line = 0;
    for (size_t end = field.find("\r\n"); end != std::string::npos; end = field.find("\r\n", line)) {
      EXPECT_LE(end - line, value == words ? 78u : 998u);
      EXPECT_NE(field.find_first_not_of(" \t", line), end) << "a line of white space";
      line = end + 2;
    }
    EXPECT_EQ(line, field.size());
    const HeaderBlock block = ScanHeader(field);
    ASSERT_EQ(block.fields.size(), 1u);
    if (value == words) {
      EXPECT_EQ(HeaderText(block.fields[0].value), value);
    }
  }
}

TEST(ComposeTest, TextFieldReadsBack) {
  std::string text;
  for (int i = 0; i < 60; ++i) text += "\xc3\xbc word ";
  text.pop_back();
  std::string out;
  AppendTextField(&out, "Subject", text);
  EXPECT_EQ(DecodeHeaderText(ScanHeader(out).fields.at(0).value), text);
}

TEST(ComposeTest, Mailbox) {
  EXPECT_EQ(FormatMailbox("", "a@b"), "a@b");
  EXPECT_EQ(FormatMailbox("Mail Delivery System", "a@b"), "Mail Delivery System <a@b>");
  EXPECT_EQ(FormatMailbox("Joe Q. \"P\"", "a@b"), "\"Joe Q. \\\"P\\\"\" <a@b>");
  EXPECT_EQ(FormatMailbox("J\xc3\xb6rg", "a@b"), "=?utf-8?Q?J=C3=B6rg?= <a@b>");
}

TEST(ComposeTest, IdsAreFresh) {
  std::set<std::string> seen;
  const base::FakeClock clock;
  for (int i = 0; i < 1000; ++i) {
    const std::string id = NewMessageId("example.org", clock);
    EXPECT_TRUE(id.starts_with('<') && id.ends_with("@example.org>"));
    const std::string boundary = NewBoundary();
    EXPECT_EQ(boundary.size(), 36u);
    EXPECT_TRUE(seen.insert(id).second && seen.insert(boundary).second);
  }
}

}  // namespace
}  // namespace mailmesh::mime
