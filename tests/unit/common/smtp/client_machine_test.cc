// Scripted dialogues: what the client sends, what a server answers, and what becomes of each recipient.
#include "common/smtp/client_machine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "common/smtp/replies.h"

namespace mailmesh::smtp {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr std::string_view kPlainEhlo = "250-mx.test\r\n250-PIPELINING\r\n250-SIZE 1000\r\n250 8BITMIME\r\n";

Transaction To(std::initializer_list<std::string_view> recipients) {
  Transaction transaction;
  transaction.mail.reverse_path.mailbox = *ParseMailbox("from@a.test");
  for (std::string_view recipient : recipients) {
    AddressOptions utf8;
    utf8.utf8 = true;
    transaction.recipients.push_back({*ParseMailbox(recipient, utf8), {}, {}});
  }
  return transaction;
}

class Dialogue {
 public:
  explicit Dialogue(ClientOptions options = {}) : machine(With(std::move(options))) {}

  static ClientOptions With(ClientOptions options) {
    options.name = "client.test";
    return options;
  }

  // Feeds `input`; the names of the events, in order.
  std::vector<std::string> Hear(std::string_view input) {
    std::vector<std::string> names;
    for (;;) {
      last = machine.Next(input);
      if (std::holds_alternative<client::NeedInput>(last)) break;
      names.push_back(Name(last));
    }
    EXPECT_TRUE(input.empty());
    return names;
  }

  std::string Sent() { return std::exchange(machine.output(), {}); }

  void Greet(std::string_view ehlo = kPlainEhlo) {
    EXPECT_THAT(Hear("220 mx.test ESMTP\r\n"), ElementsAre("greeted 220"));
    EXPECT_TRUE(machine.Hello().ok());
    Sent();
    EXPECT_THAT(Hear(ehlo), ElementsAre("hello 250"));
  }

  // "+", "4", "5" or "?" for each recipient, "!" before what we decided.
  std::string Outcomes() {
    std::string out;
    for (const Outcome& outcome : machine.outcomes()) {
      if (outcome.local) out += '!';
      out += outcome.verdict == Verdict::kDelivered   ? '+'
             : outcome.verdict == Verdict::kTemporary ? '4'
             : outcome.verdict == Verdict::kPermanent ? '5'
                                                      : '?';
    }
    return out;
  }

  static std::string Name(const client::Event& event) {
    struct Visitor {
      static std::string With(std::string_view name, const Reply& reply) {
        return std::string(name) + " " + std::to_string(reply.code);
      }
      std::string operator()(const client::NeedInput&) { return ""; }
      std::string operator()(const client::Greeted& e) { return With("greeted", e.reply); }
      std::string operator()(const client::HelloDone& e) { return With("hello", e.reply); }
      std::string operator()(const client::StartTlsDone& e) { return With("starttls", e.reply); }
      std::string operator()(const client::AuthChallenged& e) { return "challenge " + e.challenge; }
      std::string operator()(const client::AuthDone& e) { return With("auth", e.reply); }
      std::string operator()(const client::SendContent&) { return "send"; }
      std::string operator()(const client::TransactionDone&) { return "done"; }
      std::string operator()(const client::CommandDone& e) { return With("command", e.reply); }
      std::string operator()(const client::Closed& e) { return With("closed", e.reply); }
      std::string operator()(const client::Failed&) { return "failed"; }
    };
    return std::visit(Visitor(), event);
  }

  ClientMachine machine;
  client::Event last;
};

TEST(ClientMachineTest, AWholeTransactionPipelined) {
  Dialogue d;
  EXPECT_THAT(d.Hear("220-mx.test\r\n220 hello\r\n"), ElementsAre("greeted 220"));
  ASSERT_TRUE(d.machine.Hello().ok());
  EXPECT_EQ(d.Sent(), "EHLO client.test\r\n");
  EXPECT_THAT(d.Hear(kPlainEhlo), ElementsAre("hello 250"));
  Transaction transaction = To({"1@b.test", "2@b.test"});
  transaction.mail.size = 8;
  ASSERT_TRUE(d.machine.Begin(transaction).ok());
  EXPECT_EQ(d.Sent(), "MAIL FROM:<from@a.test> SIZE=8\r\nRCPT TO:<1@b.test>\r\nRCPT TO:<2@b.test>\r\nDATA\r\n");
  EXPECT_THAT(d.Hear("250 ok\r\n250 ok\r\n550 5.1.1 no\r\n354 go\r\n"), ElementsAre("send"));
  ASSERT_TRUE(d.machine.SendContent("hi\r\n").ok());
  ASSERT_TRUE(d.machine.SendContent(".x\n").ok());
  EXPECT_FALSE(d.machine.in_doubt());
  ASSERT_TRUE(d.machine.EndContent().ok());
  EXPECT_TRUE(d.machine.in_doubt());
  EXPECT_EQ(d.Sent(), "hi\r\n..x\r\n.\r\n");
  EXPECT_THAT(d.Hear("250 2.0.0 queued as 7\r\n"), ElementsAre("done"));
  EXPECT_EQ(d.Outcomes(), "+5");
  EXPECT_EQ(d.machine.outcomes()[0].stage, Stage::kEnd);
  EXPECT_EQ(d.machine.outcomes()[0].reply.ToString(), "250 2.0.0 queued as 7");
  EXPECT_EQ(d.machine.outcomes()[1].stage, Stage::kRcpt);
  // The connection serves the next one; nothing needs to be reset.
  ASSERT_TRUE(d.machine.Begin(To({"1@b.test"})).ok());
  EXPECT_THAT(d.Sent(), StartsWith("MAIL FROM"));
}

TEST(ClientMachineTest, OneCommandAtATimeWithoutPipelining) {
  Dialogue d;
  d.Greet("250 mx.test\r\n");
  Transaction transaction = To({"1@b.test", "2@b.test"});
  transaction.mail.size = 8;
  transaction.mail.body = Body::k8BitMime;
  ASSERT_TRUE(d.machine.Begin(transaction).ok());
  EXPECT_EQ(d.Sent(), "MAIL FROM:<from@a.test>\r\n");
  EXPECT_THAT(d.Hear("250 ok\r\n"), ElementsAre());
  EXPECT_EQ(d.Sent(), "RCPT TO:<1@b.test>\r\n");
  EXPECT_THAT(d.Hear("450 busy\r\n"), ElementsAre());
  EXPECT_EQ(d.Sent(), "RCPT TO:<2@b.test>\r\n");
  EXPECT_THAT(d.Hear("251 forward\r\n"), ElementsAre());
  EXPECT_EQ(d.Sent(), "DATA\r\n");
  EXPECT_THAT(d.Hear("354 go\r\n"), ElementsAre("send"));
  ASSERT_TRUE(d.machine.EndContent().ok());
  EXPECT_EQ(d.Sent(), ".\r\n");
  EXPECT_THAT(d.Hear("250 ok\r\n"), ElementsAre("done"));
  EXPECT_EQ(d.Outcomes(), "4+");
}

TEST(ClientMachineTest, NoDataWithoutRecipients) {
  Dialogue d;
  d.Greet("250 mx.test\r\n");
  ASSERT_TRUE(d.machine.Begin(To({"1@b.test"})).ok());
  d.Hear("250 ok\r\n");
  d.Sent();
  EXPECT_THAT(d.Hear("550 no\r\n"), ElementsAre("done"));
  EXPECT_EQ(d.Sent(), "");
  EXPECT_EQ(d.Outcomes(), "5");
  // The server still has the transaction open.
  ASSERT_TRUE(d.machine.Begin(To({"1@b.test"})).ok());
  EXPECT_EQ(d.Sent(), "RSET\r\n");
  d.Hear("250 ok\r\n");
  EXPECT_EQ(d.Sent(), "MAIL FROM:<from@a.test>\r\n");
}

// RFC 2920, 3.1
TEST(ClientMachineTest, ASingleDotWhenDataIsTakenWithoutRecipients) {
  Dialogue d;
  d.Greet();
  ASSERT_TRUE(d.machine.Begin(To({"1@b.test"})).ok());
  d.Sent();
  EXPECT_THAT(d.Hear("250 ok\r\n550 no\r\n354 go\r\n"), ElementsAre());
  EXPECT_EQ(d.Sent(), ".\r\n");
  EXPECT_FALSE(d.machine.in_doubt());
  EXPECT_THAT(d.Hear("250 ok\r\n"), ElementsAre("done"));
  EXPECT_EQ(d.Outcomes(), "5");
}

TEST(ClientMachineTest, RefusedMailDecidesAll) {
  Dialogue d;
  d.Greet();
  ASSERT_TRUE(d.machine.Begin(To({"1@b.test", "2@b.test"})).ok());
  EXPECT_THAT(d.Hear("451 later\r\n503 no\r\n503 no\r\n503 no\r\n"), ElementsAre("done"));
  EXPECT_EQ(d.Outcomes(), "44");
  EXPECT_EQ(d.machine.outcomes()[1].reply.code, 451);
  EXPECT_EQ(d.machine.outcomes()[1].stage, Stage::kMail);
  d.Sent();
  ASSERT_TRUE(d.machine.Begin(To({"1@b.test"})).ok());
  EXPECT_THAT(d.Sent(), StartsWith("MAIL"));
}

TEST(ClientMachineTest, RefusedDataAndRefusedContent) {
  Dialogue d;
  d.Greet();
  ASSERT_TRUE(d.machine.Begin(To({"1@b.test", "2@b.test"})).ok());
  EXPECT_THAT(d.Hear("250 ok\r\n550 no\r\n250 ok\r\n452 full\r\n"), ElementsAre("done"));
  EXPECT_EQ(d.Outcomes(), "54");
  d.Sent();
  ASSERT_TRUE(d.machine.Begin(To({"1@b.test"})).ok());
  EXPECT_THAT(d.Sent(), StartsWith("RSET\r\nMAIL"));
  EXPECT_THAT(d.Hear("250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n"), ElementsAre("send"));
  ASSERT_TRUE(d.machine.EndContent().ok());
  EXPECT_THAT(d.Hear("554 5.6.0 spam\r\n"), ElementsAre("done"));
  EXPECT_EQ(d.Outcomes(), "5");
}

// RFC 5321, 4.5.3.1.10
TEST(ClientMachineTest, TooManyRecipientsIsTemporary) {
  Dialogue d;
  d.Greet();
  ASSERT_TRUE(d.machine.Begin(To({"1@b.test", "2@b.test"})).ok());
  EXPECT_THAT(d.Hear("250 ok\r\n552 too many\r\n452 too many\r\n503 x\r\n"), ElementsAre("done"));
  EXPECT_EQ(d.Outcomes(), "44");
}

// RFC 5321, 3.8: at every place.
TEST(ClientMachineTest, ClosingMidway) {
  const std::string_view replies[] = {"250 ok\r\n", "550 no\r\n", "250 ok\r\n", "354 go\r\n"};
  for (size_t at = 0; at <= 5; ++at) {
    Dialogue d;
    d.Greet();
    ASSERT_TRUE(d.machine.Begin(To({"1@b.test", "2@b.test"})).ok());
    for (size_t i = 0; i < at && i < 4; ++i) d.Hear(replies[i]);
    if (at == 5) {
      ASSERT_TRUE(d.machine.EndContent().ok());
    }
    EXPECT_THAT(d.Hear("421 4.3.2 bye\r\n"), ElementsAre("done")) << at;
    EXPECT_EQ(d.Outcomes(), at >= 2 ? "54" : "44") << at;
    EXPECT_TRUE(d.machine.closed());
    EXPECT_FALSE(d.machine.Begin(To({"1@b.test"})).ok());
  }
}

TEST(ClientMachineTest, ConnectionLostAtEveryPlace) {
  const std::string_view replies[] = {"250 ok\r\n", "550 no\r\n", "250 ok\r\n", "354 go\r\n"};
  for (size_t at = 0; at <= 5; ++at) {
    Dialogue d;
    d.Greet();
    ASSERT_TRUE(d.machine.Begin(To({"1@b.test", "2@b.test"})).ok());
    for (size_t i = 0; i < at && i < 4; ++i) d.Hear(replies[i]);
    if (at == 5) {
      ASSERT_TRUE(d.machine.EndContent().ok());
    }
    EXPECT_EQ(d.machine.in_doubt(), at == 5);
    EXPECT_TRUE(d.machine.ConnectionLost(replies::kConnectionLost));
    EXPECT_EQ(d.Outcomes(), at >= 2 ? "5!4" : "!4!4") << at;
    EXPECT_FALSE(d.machine.ConnectionLost(replies::kConnectionLost));
  }
}

TEST(ClientMachineTest, CountsWholeReplies) {
  Dialogue d;
  d.Greet();
  const uint64_t before = d.machine.replies();
  ASSERT_TRUE(d.machine.Begin(To({"1@b.test", "2@b.test"})).ok());
  d.Hear("250-a line of it\r\n250-and another\r\n250");
  EXPECT_EQ(d.machine.replies(), before);
  d.Hear(" ok\r\n550-no\r\n");
  EXPECT_EQ(d.machine.replies(), before + 1);
  d.Hear("550 no\r\n250 ok\r\n");
  EXPECT_EQ(d.machine.replies(), before + 3);
}

TEST(ClientMachineTest, AnEarlyRefusalWhileContentIsSent) {
  Dialogue d;
  d.Greet();
  ASSERT_TRUE(d.machine.Begin(To({"1@b.test"})).ok());
  d.Hear("250 ok\r\n250 ok\r\n354 go\r\n");
  ASSERT_TRUE(d.machine.SendContent("lots").ok());
  EXPECT_THAT(d.Hear("552 5.3.4 too big\r\n"), ElementsAre("done"));
  EXPECT_EQ(d.Outcomes(), "5");
  EXPECT_TRUE(d.machine.closed());
}

TEST(ClientMachineTest, LargeGroupsKeepTheWindow) {
  ClientOptions options;
  options.max_in_flight = 2;
  Dialogue d(options);
  d.Greet();
  ASSERT_TRUE(d.machine.Begin(To({"1@b.test", "2@b.test", "3@b.test"})).ok());
  EXPECT_EQ(d.Sent(), "MAIL FROM:<from@a.test>\r\nRCPT TO:<1@b.test>\r\n");
  d.Hear("250 ok\r\n");
  EXPECT_EQ(d.Sent(), "RCPT TO:<2@b.test>\r\n");
  d.Hear("550 no\r\n550 no\r\n");
  EXPECT_EQ(d.Sent(), "RCPT TO:<3@b.test>\r\nDATA\r\n");
  d.Hear("250 ok\r\n");
  EXPECT_EQ(d.Sent(), "");
  EXPECT_THAT(d.Hear("354 go\r\n"), ElementsAre("send"));
}

// RFC 3030
TEST(ClientMachineTest, Chunks) {
  ClientOptions options;
  options.use_chunking = true;
  Dialogue d(options);
  d.Greet("250-mx.test\r\n250-PIPELINING\r\n250 CHUNKING\r\n");
  ASSERT_TRUE(d.machine.Begin(To({"1@b.test"})).ok());
  EXPECT_THAT(d.Sent(), ::testing::Not(HasSubstr("DATA")));
  EXPECT_THAT(d.Hear("250 ok\r\n250 ok\r\n"), ElementsAre("send"));
  ASSERT_TRUE(d.machine.SendContent(".hi\n").ok());
  ASSERT_TRUE(d.machine.SendContent("yo\r").ok());
  ASSERT_TRUE(d.machine.EndContent().ok());
  EXPECT_EQ(d.Sent(), "BDAT 5\r\n.hi\r\nBDAT 4 LAST\r\nyo\r\n");
  EXPECT_THAT(d.Hear("250 ok\r\n250 done\r\n"), ElementsAre("done"));
  EXPECT_EQ(d.Outcomes(), "+");
}

TEST(ClientMachineTest, ARefusedChunkEndsTheContent) {
  ClientOptions options;
  options.use_chunking = true;
  Dialogue d(options);
  d.Greet("250-mx.test\r\n250-PIPELINING\r\n250 CHUNKING\r\n");
  ASSERT_TRUE(d.machine.Begin(To({"1@b.test"})).ok());
  d.Hear("250 ok\r\n250 ok\r\n");
  ASSERT_TRUE(d.machine.SendContent("a\r\n").ok());
  ASSERT_TRUE(d.machine.SendContent("b\r\n").ok());
  ASSERT_TRUE(d.machine.SendContent("held\r\n").ok());
  EXPECT_THAT(d.Hear("552 5.3.4 too big\r\n"), ElementsAre());
  EXPECT_TRUE(d.machine.content_refused());
  d.Sent();
  ASSERT_TRUE(d.machine.SendContent("c\r\n").ok());
  ASSERT_TRUE(d.machine.EndContent().ok());
  EXPECT_EQ(d.Sent(), "");
  EXPECT_THAT(d.Hear("503 no\r\n"), ElementsAre("done"));
  EXPECT_EQ(d.Outcomes(), "5");
  ASSERT_TRUE(d.machine.Begin(To({"1@b.test"})).ok());
  EXPECT_THAT(d.Sent(), StartsWith("RSET\r\n"));
}

TEST(ClientMachineTest, OneChunkIsTheLast) {
  ClientOptions options;
  options.use_chunking = true;
  for (const std::string content : {"", "a\r\n"}) {
    Dialogue d(options);
    d.Greet("250-mx.test\r\n250-PIPELINING\r\n250 CHUNKING\r\n");
    ASSERT_TRUE(d.machine.Begin(To({"1@b.test"})).ok());
    d.Hear("250 ok\r\n250 ok\r\n");
    d.Sent();
    ASSERT_TRUE(d.machine.SendContent(content).ok());
    EXPECT_EQ(d.Sent(), "");
    ASSERT_TRUE(d.machine.EndContent().ok());
    EXPECT_EQ(d.Sent(), "BDAT " + std::to_string(content.size()) + " LAST\r\n" + content);
    EXPECT_THAT(d.Hear("250 done\r\n"), ElementsAre("done"));
  }
}

// RFC 2033
TEST(ClientMachineTest, Lmtp) {
  ClientOptions options;
  options.protocol = Protocol::kLmtp;
  Dialogue d(options);
  d.Hear("220 x\r\n");
  ASSERT_TRUE(d.machine.Hello().ok());
  EXPECT_EQ(d.Sent(), "LHLO client.test\r\n");
  EXPECT_THAT(d.Hear("500 what\r\n"), ElementsAre("hello 500"));
  ASSERT_TRUE(d.machine.Hello().ok());
  d.Sent();
  d.Hear(kPlainEhlo);
  ASSERT_TRUE(d.machine.Begin(To({"1@b.test", "2@b.test", "3@b.test"})).ok());
  EXPECT_THAT(d.Hear("250 ok\r\n250 ok\r\n550 no\r\n250 ok\r\n354 go\r\n"), ElementsAre("send"));
  ASSERT_TRUE(d.machine.EndContent().ok());
  EXPECT_THAT(d.Hear("250 ok\r\n"), ElementsAre());
  EXPECT_THAT(d.Hear("452 full\r\n"), ElementsAre("done"));
  EXPECT_EQ(d.Outcomes(), "+54");
}

TEST(ClientMachineTest, LmtpLosesTheConnectionBetweenReplies) {
  ClientOptions options;
  options.protocol = Protocol::kLmtp;
  Dialogue d(options);
  d.Greet();
  ASSERT_TRUE(d.machine.Begin(To({"1@b.test", "2@b.test"})).ok());
  d.Hear("250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n");
  ASSERT_TRUE(d.machine.EndContent().ok());
  d.Hear("250 ok\r\n");
  d.machine.ConnectionLost(replies::kTimeout);
  EXPECT_EQ(d.Outcomes(), "+!4");
}

TEST(ClientMachineTest, FallsBackToHelo) {
  Dialogue d;
  d.Hear("220 old\r\n");
  ASSERT_TRUE(d.machine.Hello().ok());
  d.Sent();
  EXPECT_THAT(d.Hear("502 what\r\n"), ElementsAre());
  EXPECT_EQ(d.Sent(), "HELO client.test\r\n");
  EXPECT_THAT(d.Hear("250-old\r\n250 PIPELINING\r\n"), ElementsAre("hello 250"));
  EXPECT_TRUE(d.machine.offer().extensions.empty());
  EXPECT_TRUE(d.machine.ready());
}

// RFC 3207, 6
TEST(ClientMachineTest, StartTls) {
  constexpr std::string_view kOffer = "250-mx.test\r\n250 STARTTLS\r\n";
  Dialogue d;
  d.Greet(kOffer);
  ASSERT_TRUE(d.machine.StartTls().ok());
  EXPECT_EQ(d.Sent(), "STARTTLS\r\n");
  EXPECT_THAT(d.Hear("220 go\r\n"), ElementsAre("starttls 220"));
  EXPECT_FALSE(d.machine.Begin(To({"1@b.test"})).ok());
  d.machine.TlsEstablished();
  EXPECT_TRUE(d.machine.offer().extensions.empty());
  ASSERT_TRUE(d.machine.Hello().ok());

  Dialogue injected;
  injected.Greet(kOffer);
  ASSERT_TRUE(injected.machine.StartTls().ok());
  EXPECT_THAT(injected.Hear("220 go\r\n250 evil\r\n"), ElementsAre("failed"));

  Dialogue later;
  later.Greet(kOffer);
  ASSERT_TRUE(later.machine.StartTls().ok());
  later.Hear("220 go\r\n");
  EXPECT_THAT(later.Hear("2"), ElementsAre("failed"));

  Dialogue refused;
  refused.Greet(kOffer);
  ASSERT_TRUE(refused.machine.StartTls().ok());
  EXPECT_THAT(refused.Hear("454 later\r\n"), ElementsAre("starttls 454"));
  EXPECT_TRUE(refused.machine.ready());
  EXPECT_FALSE(Dialogue().machine.StartTls().ok());
}

TEST(ClientMachineTest, Auth) {
  Dialogue d;
  d.Greet();
  ASSERT_TRUE(d.machine.Auth("PLAIN", base::Secret(std::string("\0a\0b", 4))).ok());
  EXPECT_EQ(d.Sent(), "AUTH PLAIN AGEAYg==\r\n");
  EXPECT_THAT(d.Hear("535 5.7.8 no\r\n"), ElementsAre("auth 535"));
  ASSERT_TRUE(d.machine.Auth("SCRAM-SHA-256", std::nullopt).ok());
  EXPECT_EQ(d.Sent(), "AUTH SCRAM-SHA-256\r\n");
  EXPECT_THAT(d.Hear("334 d2hvPw==\r\n"), ElementsAre("challenge who?"));
  ASSERT_TRUE(d.machine.AuthRespond(base::Secret("me")).ok());
  EXPECT_EQ(d.Sent(), "bWU=\r\n");
  EXPECT_THAT(d.Hear("334 \r\n"), ElementsAre("challenge "));
  ASSERT_TRUE(d.machine.AuthCancel().ok());
  EXPECT_EQ(d.Sent(), "*\r\n");
  EXPECT_THAT(d.Hear("501 5.7.0 cancelled\r\n"), ElementsAre("auth 501"));
  ASSERT_TRUE(d.machine.Auth("EXTERNAL", base::Secret("")).ok());
  EXPECT_EQ(d.Sent(), "AUTH EXTERNAL =\r\n");
  EXPECT_THAT(d.Hear("235 2.7.0 ok\r\n"), ElementsAre("auth 235"));
  EXPECT_FALSE(d.machine.Auth("A B", std::nullopt).ok());
  EXPECT_FALSE(d.machine.AuthRespond(base::Secret("x")).ok());
}

TEST(ClientMachineTest, ALongInitialResponseWaitsForTheChallenge) {
  Dialogue d;
  d.Greet();
  const std::string token(600, 't');
  ASSERT_TRUE(d.machine.Auth("XOAUTH2", base::Secret(token)).ok());
  EXPECT_EQ(d.Sent(), "AUTH XOAUTH2\r\n");
  EXPECT_THAT(d.Hear("334 \r\n"), ElementsAre());
  EXPECT_EQ(d.Sent().size(), 802U);
  EXPECT_THAT(d.Hear("235 ok\r\n"), ElementsAre("auth 235"));
}

TEST(ClientMachineTest, AnUnreadableChallengeIsCancelled) {
  Dialogue d;
  d.Greet();
  ASSERT_TRUE(d.machine.Auth("PLAIN", std::nullopt).ok());
  d.Sent();
  EXPECT_THAT(d.Hear("334 !!!\r\n"), ElementsAre());
  EXPECT_EQ(d.Sent(), "*\r\n");
  EXPECT_THAT(d.Hear("501 ok\r\n"), ElementsAre("auth 501"));
}

TEST(ClientMachineTest, WhatTheServerLacksIsRefusedHere) {
  Dialogue d;
  d.Greet();
  ASSERT_TRUE(d.machine.Begin(To({"ü@b.test"})).ok());
  EXPECT_EQ(d.Sent(), "");
  EXPECT_THAT(d.Hear(""), ElementsAre("done"));
  EXPECT_EQ(d.Outcomes(), "!5");
  Transaction transaction = To({"1@b.test"});
  transaction.mail.size = 1001;
  ASSERT_TRUE(d.machine.Begin(transaction).ok());
  d.Hear("");
  EXPECT_EQ(d.machine.outcomes()[0].reply.code, 552);
  transaction.mail.size = 1000;
  transaction.mail.body = Body::kBinaryMime;
  ASSERT_TRUE(d.machine.Begin(transaction).ok());
  d.Hear("");
  EXPECT_EQ(d.machine.outcomes()[0].reply.code, 554);
  EXPECT_FALSE(d.machine.Begin(To({})).ok());
  EXPECT_TRUE(d.machine.ready());
}

TEST(ClientMachineTest, Utf8IsSaidWhereItIsNeeded) {
  Dialogue d;
  d.Greet("250-mx.test\r\n250 SMTPUTF8\r\n");
  ASSERT_TRUE(d.machine.Begin(To({"ü@b.test"})).ok());
  EXPECT_EQ(d.Sent(), "MAIL FROM:<from@a.test> SMTPUTF8\r\n");
}

TEST(ClientMachineTest, NonsenseFails) {
  for (std::string_view nonsense : {"hello\r\n", "354 go\r\n", "\r\n", "250-a\r\n550 b\r\n"}) {
    Dialogue d;
    d.Greet();
    ASSERT_TRUE(d.machine.Begin(To({"1@b.test"})).ok());
    EXPECT_THAT(d.Hear(nonsense), ElementsAre("failed")) << nonsense;
    EXPECT_EQ(d.Outcomes(), "!4");
    EXPECT_TRUE(d.machine.closed());
  }
  Dialogue unasked;
  unasked.Greet();
  EXPECT_THAT(unasked.Hear("250 what\r\n"), ElementsAre("failed"));
  Dialogue closing;
  closing.Greet();
  EXPECT_THAT(closing.Hear("421 bye\r\n"), ElementsAre("closed 421"));
}

TEST(ClientMachineTest, SimpleCommandsAndQuit) {
  Dialogue d;
  EXPECT_THAT(d.Hear("554 go away\r\n"), ElementsAre("greeted 554"));
  ASSERT_TRUE(d.machine.Quit().ok());
  EXPECT_EQ(d.Sent(), "QUIT\r\n");
  EXPECT_THAT(d.Hear("221 bye\r\n"), ElementsAre("closed 221"));
  Dialogue ready;
  ready.Greet();
  ASSERT_TRUE(ready.machine.Noop().ok());
  EXPECT_FALSE(ready.machine.Noop().ok());
  EXPECT_THAT(ready.Hear("250 ok\r\n"), ElementsAre("command 250"));
  ASSERT_TRUE(ready.machine.Reset().ok());
  EXPECT_EQ(ready.Sent(), "NOOP\r\nRSET\r\n");
}

}  // namespace
}  // namespace mailmesh::smtp
