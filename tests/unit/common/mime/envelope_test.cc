#include "common/mime/envelope.h"

#include <gtest/gtest.h>

#include <string>

namespace mailmesh::mime {
namespace {

TEST(EnvelopeTest, AllFields) {
  const Envelope envelope = ParseEnvelope(
      "DATE: Fri, 21 Nov 1997 09:55:06 -0600\r\nSubject: =?utf-8?q?x?=\r\n y\r\nFrom: A <a@x>\r\nSender: s@x\r\n"
      "Reply-To: r@x\r\nTo: t@x, u@x\r\nCC: c@x\r\nBcc: b@x\r\nIn-Reply-To: <1@x>\r\nMessage-Id: <2@x> \r\nX-To: no@x\r\n\r\nTo: body@x");
  EXPECT_EQ(envelope.date, "Fri, 21 Nov 1997 09:55:06 -0600");
  EXPECT_EQ(envelope.subject, "=?utf-8?q?x?= y");
  EXPECT_EQ(envelope.in_reply_to, "<1@x>");
  EXPECT_EQ(envelope.message_id, "<2@x> ");
  ASSERT_EQ(envelope.to.size(), 2u);
  EXPECT_EQ(envelope.to[1].local_part, "u");
  EXPECT_EQ(envelope.sender.at(0).local_part, "s");
  EXPECT_EQ(envelope.reply_to.at(0).local_part, "r");
  EXPECT_EQ(envelope.cc.at(0).local_part, "c");
  EXPECT_EQ(envelope.bcc.at(0).local_part, "b");
}

TEST(EnvelopeTest, Defaults) {
  const Envelope envelope = ParseEnvelope("From: a@x, b@x\nSender:\nSubject:\n\n");
  EXPECT_EQ(envelope.sender, envelope.from);
  EXPECT_EQ(envelope.reply_to, envelope.from);
  EXPECT_EQ(envelope.from.size(), 2u);
  EXPECT_EQ(envelope.subject, "");
  EXPECT_FALSE(envelope.date.has_value());
  EXPECT_TRUE(envelope.to.empty());
}

TEST(EnvelopeTest, RepeatedFields) {
  const Envelope envelope = ParseEnvelope("From: a@x\nFrom: b@x\nSubject: one\nSubject: two\n\n");
  EXPECT_EQ(envelope.from.size(), 2u);
  EXPECT_EQ(envelope.subject, "two");
}

TEST(EnvelopeTest, Limits) {
  EnvelopeLimits limits;
  limits.max_addresses = 3;
  limits.max_string_size = 5;
  EXPECT_FALSE(ParseEnvelope("To: a@x, b@x\nCc: c@x\nSubject:1234\n\n", limits).truncated);
  EXPECT_TRUE(ParseEnvelope("Subject:123456\n\n", limits).truncated);
  const Envelope many = ParseEnvelope("To: a@x, b@x\nCc: c@x, d@x\nBcc: e@x\n\n", limits);
  EXPECT_TRUE(many.truncated);
  EXPECT_EQ(many.to.size() + many.cc.size() + many.bcc.size(), 3u);
}

}  // namespace
}  // namespace mailmesh::mime
