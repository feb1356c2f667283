#include "common/imap/envelope.h"

#include <gtest/gtest.h>

#include <string>

namespace mailmesh::imap {
namespace {

std::string Wire(std::string_view header) {
  std::string out;
  AppendEnvelope(out, mime::ParseEnvelope(header));
  return out;
}

std::string First(const std::string& wire, EnvelopeList list) {
  std::string mailbox = "?";
  EXPECT_TRUE(FirstMailbox(wire, list, &mailbox)) << wire;
  return mailbox;
}

TEST(EnvelopeTest, FirstMailbox) {
  const std::string wire = Wire(
      "Date: Mon, 02 Mar 2026 10:00:00 +0100\r\nSubject: a \"quoted\" \\ thing (with \xc3\xa4)\r\n"
      "From: \"Last, First\" <anna@a.test>, bert@a.test\r\nReply-To: Group: g@a.test;\r\n"
      "To: \"o \\\"dd\"@a.test\r\nBcc: \xc3\xa4nne@a.test\r\n");
  EXPECT_EQ(First(wire, EnvelopeList::kFrom), "anna");
  EXPECT_EQ(First(wire, EnvelopeList::kSender), "anna");
  EXPECT_EQ(First(wire, EnvelopeList::kReplyTo), "Group");
  EXPECT_EQ(First(wire, EnvelopeList::kTo), "o \"dd");
  EXPECT_EQ(First(wire, EnvelopeList::kCc), "");
  EXPECT_EQ(First(wire, EnvelopeList::kBcc), "\xc3\xa4nne");
  EXPECT_EQ(First(Wire(""), EnvelopeList::kFrom), "");
  EXPECT_EQ(First(Wire(""), EnvelopeList::kBcc), "");
}

// What was cut off anywhere before the list is found out, and nothing is read behind its end.
TEST(EnvelopeTest, FirstMailboxOfWhatIsDamaged) {
  const std::string wire = Wire("Subject: \xc3\xa4 literal\r\nFrom: \"x \\\" y\" <anna@a.test>\r\nCc: c@a.test\r\n");
  const size_t end = wire.find("NIL NIL \"c\"");
  ASSERT_NE(end, std::string::npos);
  for (size_t size = 0; size < end; ++size) {
    std::string mailbox;
    EXPECT_FALSE(FirstMailbox(wire.substr(0, size), EnvelopeList::kCc, &mailbox)) << size;
  }
  for (const char* damaged : {"", "(", "(NIL", "(NIL NIL", "(NIL {99}\r\nx NIL", "(NIL {18446744073709551616}\r\n",
                              "(NIL \"open", "(NIL \"open\\", "(x NIL ((NIL NIL NIL NIL)))"}) {
    std::string mailbox;
    EXPECT_FALSE(FirstMailbox(damaged, EnvelopeList::kFrom, &mailbox)) << damaged;
  }
}

}  // namespace
}  // namespace mailmesh::imap
