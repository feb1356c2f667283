#include "services/smtp_ingress/trace.h"

#include <gtest/gtest.h>

namespace mailmesh::smtp_ingress {
namespace {

TEST(Trace, ReceivedNamesWhatRfc5321AsksFor) {
  TraceFacts facts;
  facts.helo = "client.test";
  facts.peer_literal = "[192.0.2.1]";
  facts.hostname = "mail.a.test";
  facts.protocol = "ESMTPS";
  facts.tls = "TLSv1.3 TLS_AES_256_GCM_SHA384";
  facts.id = "abc";
  facts.single_recipient = "anna@a.test";
  facts.unix_seconds = 0;
  EXPECT_EQ(ReceivedField(facts),
            "Received: from client.test ([192.0.2.1])\r\n\tby mail.a.test with ESMTPS (TLSv1.3 TLS_AES_256_GCM_SHA384)\r\n"
            "\tid abc\r\n\tfor <anna@a.test>;\r\n\tThu, 01 Jan 1970 00:00:00 +0000\r\n");
  facts.helo.clear();
  facts.single_recipient.clear();
  facts.tls.clear();
  EXPECT_EQ(ReceivedField(facts),
            "Received: from [192.0.2.1] ([192.0.2.1])\r\n\tby mail.a.test with ESMTPS\r\n\tid abc;\r\n"
            "\tThu, 01 Jan 1970 00:00:00 +0000\r\n");
}

TEST(Trace, ProtocolNamesOfRfc3848AndRfc6531) {
  EXPECT_EQ(ProtocolName(false, false, false, false, false), "SMTP");
  EXPECT_EQ(ProtocolName(false, true, false, true, true), "ESMTPSA");
  EXPECT_EQ(ProtocolName(false, true, true, true, false), "UTF8SMTPS");
  EXPECT_EQ(ProtocolName(true, true, false, false, false), "LMTP");
  EXPECT_EQ(ProtocolName(true, true, true, true, false), "UTF8LMTPS");
}

TEST(Trace, ReturnPath) {
  EXPECT_EQ(ReturnPathField(""), "Return-Path: <>\r\n");
  EXPECT_EQ(ReturnPathField("a@b.test"), "Return-Path: <a@b.test>\r\n");
}

}  // namespace
}  // namespace mailmesh::smtp_ingress
