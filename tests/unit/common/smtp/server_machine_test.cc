// Scripted dialogues: what a client sends, what the machine says, and which events a session sees.
#include "common/smtp/server_machine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <map>
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

Capabilities Offer() {
  Capabilities offer;
  offer.extensions = {Extension::kPipelining,         Extension::kSize,     Extension::k8BitMime,
                      Extension::kSmtpUtf8,           Extension::kChunking, Extension::kBinaryMime,
                      Extension::kStartTls,           Extension::kAuth,     Extension::kDsn,
                      Extension::kEnhancedStatusCodes};
  offer.max_size = 100;
  offer.auth_mechanisms = {"PLAIN", "SCRAM-SHA-256"};
  return offer;
}

ServerOptions Options(Protocol protocol = Protocol::kSmtp) {
  ServerOptions options;
  options.protocol = protocol;
  options.name = "mx.test";
  options.offer = Offer();
  options.max_recipients = 3;
  options.max_bad_commands = 4;
  return options;
}

// A session that accepts everything, except what `refuse` names, and writes down what it sees.
class Session {
 public:
  explicit Session(ServerOptions options) : machine(std::move(options)) {
    machine.Greet();
    TakeOutput();
  }

  // Runs the machine dry on `input`; returns what it said.
  std::string Say(std::string_view input) {
    for (;;) {
      server::Event event = machine.Next(input);
      content += machine.TakeContent();
      if (std::holds_alternative<server::NeedInput>(event)) break;
      std::visit([this](auto& e) { On(e); }, event);
      if (closed) break;
    }
    EXPECT_TRUE(closed || input.empty());
    return TakeOutput();
  }

  std::string TakeOutput() { return std::exchange(machine.output(), {}); }

  Reply AnswerFor(std::string_view what, const Reply& positive) {
    auto& queue = refuse[std::string(what)];
    if (queue.empty()) return positive;
    Reply reply = queue.front();
    queue.pop_front();
    return reply;
  }

  void On(server::NeedInput&) {}
  void On(server::Answered& e) { log.push_back(std::string(VerbName(e.verb)) + "=" + std::to_string(e.code)); }
  void On(server::HelloReceived& e) {
    log.push_back("hello " + e.hello.name);
    machine.Answer(AnswerFor("hello", replies::kOk));
  }
  void On(server::MailReceived& e) {
    log.push_back("mail " + e.mail.reverse_path.ToString());
    machine.Answer(AnswerFor("mail", replies::kSenderOk));
  }
  void On(server::RcptReceived& e) {
    log.push_back("rcpt " + e.rcpt.forward_path.ToString());
    machine.Answer(AnswerFor("rcpt", replies::kRecipientOk));
  }
  void On(server::BeginContent& e) {
    log.push_back(e.chunked ? "begin chunked" : "begin");
    content.clear();
    const Reply reply = AnswerFor("begin", replies::kStartMailInput);
    in_content = reply.code == replies::kStartMailInputCode;
    machine.Answer(reply);
  }
  // A session has nowhere to put octets of a content that never began.
  void On(server::ContentReceived&) { EXPECT_TRUE(in_content); }
  void On(server::EndContent& e) {
    log.push_back("end " + std::to_string(e.size));
    EXPECT_EQ(content.size(), e.size);
    in_content = false;
    const size_t replies = machine.protocol() == Protocol::kLmtp ? machine.accepted_recipients() : 1;
    for (size_t i = 0; i < replies; ++i) machine.Answer(AnswerFor("end", replies::kMessageAccepted));
  }
  void On(server::ContentRefused& e) {
    log.push_back(e.fault == server::ContentFault::kTooBig ? "refused size" : "refused bare");
    in_content = false;
    refused_size = e.size;
  }
  void On(server::TransactionReset&) { log.push_back("reset"); }
  void On(server::StartTlsReceived& e) {
    log.push_back("starttls");
    discarded = e.discarded;
    machine.Answer(AnswerFor("starttls", replies::kReadyForTls));
  }
  void On(server::AuthReceived& e) {
    log.push_back("auth " + e.auth.mechanism);
    if (!e.auth.initial_response) return machine.Challenge("who?");
    machine.Answer(e.auth.initial_response->Reveal() == "good" ? replies::kAuthenticated : replies::kAuthFailed);
  }
  void On(server::AuthResponse& e) {
    log.push_back("response");
    machine.Answer(e.response.Reveal() == "good" ? replies::kAuthenticated : replies::kAuthFailed);
  }
  void On(server::AuthAborted&) { log.push_back("auth aborted"); }
  void On(server::VrfyReceived&) { machine.Answer(replies::kCannotVerify); }
  void On(server::ExpnReceived&) { machine.Answer(replies::kNotImplemented); }
  void On(server::HelpReceived&) { machine.Answer(replies::kSmtpHelp); }
  void On(server::EtrnReceived&) { machine.Answer(replies::kOk); }
  void On(server::Close& e) {
    closed = true;
    reason = e.reason;
  }

  ServerMachine machine;
  std::map<std::string, std::deque<Reply>> refuse;
  std::vector<std::string> log;
  std::string content;
  uint64_t refused_size = 0;
  size_t discarded = 0;
  bool closed = false;
  bool in_content = false;
  server::CloseReason reason = server::CloseReason::kQuit;
};

// The codes of a run of replies: "250 250 354".
std::string Codes(std::string_view output) {
  std::string codes;
  while (!output.empty()) {
    const size_t end = output.find("\r\n");
    if (output[3] == ' ') codes += (codes.empty() ? "" : " ") + std::string(output.substr(0, 3));
    output.remove_prefix(end + 2);
  }
  return codes;
}

constexpr std::string_view kTransaction =
    "EHLO client.test\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nRCPT TO:<e@f>\r\nDATA\r\nhi\r\n..dot\r\n.\r\nQUIT\r\n";

TEST(ServerMachineTest, Greets) {
  ServerMachine smtp(Options());
  smtp.Greet();
  EXPECT_EQ(smtp.output(), "220 mx.test ESMTP Mailmesh\r\n");
  ServerMachine lmtp(Options(Protocol::kLmtp));
  lmtp.Greet();
  EXPECT_EQ(lmtp.output(), "220 mx.test LMTP Mailmesh\r\n");
}

TEST(ServerMachineTest, AWholeTransactionAtEverySplit) {
  Session whole(Options());
  const std::string said = whole.Say(kTransaction);
  EXPECT_EQ(Codes(said), "250 250 250 250 354 250 221");
  EXPECT_THAT(said, HasSubstr("250-SIZE 100\r\n"));
  EXPECT_THAT(said, HasSubstr("250 2.1.5 Recipient OK\r\n"));
  EXPECT_EQ(whole.content, "hi\r\n.dot\r\n");
  EXPECT_THAT(whole.log, ElementsAre("hello client.test", "mail <a@b>", "rcpt c@d", "rcpt e@f", "begin", "end 10"));
  EXPECT_TRUE(whole.closed);
  for (size_t split = 1; split < kTransaction.size(); ++split) {
    Session session(Options());
    std::string halves = session.Say(kTransaction.substr(0, split));
    halves += session.Say(kTransaction.substr(split));
    EXPECT_EQ(halves, said) << split;
    EXPECT_EQ(session.log, whole.log) << split;
    EXPECT_EQ(session.content, whole.content) << split;
  }
  Session octets(Options());
  std::string all;
  for (size_t i = 0; i < kTransaction.size(); ++i) all += octets.Say(kTransaction.substr(i, 1));
  EXPECT_EQ(all, said);
  EXPECT_EQ(octets.log, whole.log);
}

TEST(ServerMachineTest, OrderOfCommands) {
  Session session(Options());
  EXPECT_THAT(session.Say("MAIL FROM:<a@b>\r\n"), StartsWith("503 5.5.1 Send HELO"));
  EXPECT_THAT(session.Say("RCPT TO:<a@b>\r\n"), StartsWith("503 5.5.1"));
  EXPECT_THAT(session.Say("DATA\r\n"), StartsWith("503 5.5.1"));
  EXPECT_THAT(session.Say("NOOP\r\nRSET\r\n"), StartsWith("250"));
  session.Say("EHLO x\r\n");
  EXPECT_THAT(session.Say("RCPT TO:<a@b>\r\n"), StartsWith("503 5.5.1 Need MAIL"));
}

TEST(ServerMachineTest, OrderInATransaction) {
  Session session(Options());
  session.Say("EHLO x\r\nMAIL FROM:<a@b>\r\n");
  EXPECT_THAT(session.Say("MAIL FROM:<a@b>\r\n"), StartsWith("503 5.5.1 Nested"));
  EXPECT_THAT(session.Say("DATA\r\n"), StartsWith("554 5.5.1 No valid recipients"));
  EXPECT_THAT(session.Say("AUTH PLAIN\r\n"), StartsWith("503"));
  EXPECT_TRUE(session.machine.in_transaction());
  EXPECT_EQ(session.Say("RSET\r\n"), "250 2.0.0 Reset\r\n");
  EXPECT_FALSE(session.machine.in_transaction());
  EXPECT_EQ(Codes(session.Say("MAIL FROM:<>\r\nEHLO y\r\nRCPT TO:<a@b>\r\n")), "250 250 503");
}

TEST(ServerMachineTest, RefusalsDoNotChangeTheState) {
  Session session(Options());
  session.refuse["hello"] = {replies::kNotAllowed};
  session.refuse["mail"] = {replies::kLocalError};
  session.refuse["rcpt"] = {replies::kNoSuchUser};
  session.refuse["begin"] = {replies::kLocalError};
  EXPECT_EQ(session.Say("EHLO x\r\n"), "550 Not allowed\r\n");
  EXPECT_EQ(Codes(session.Say("MAIL FROM:<a@b>\r\nEHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<a@b>\r\n")), "503 250 451 503");
  EXPECT_EQ(Codes(session.Say("MAIL FROM:<a@b>\r\nRCPT TO:<no@b>\r\nDATA\r\n")), "250 550 554");
  EXPECT_EQ(Codes(session.Say("RCPT TO:<yes@b>\r\nDATA\r\n")), "250 451");
  EXPECT_EQ(session.machine.accepted_recipients(), 1U);
  EXPECT_EQ(Codes(session.Say("DATA\r\n")), "354");
}

TEST(ServerMachineTest, ContentBehindARefusedDataClosesTheConnection) {
  Session session(Options());
  session.refuse["begin"] = {replies::kLocalError};
  session.Say("EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<a@b>\r\n");
  EXPECT_EQ(Codes(session.Say("DATA\r\nMAIL FROM:<evil@x>\r\n.\r\n")), "451 421");
  EXPECT_TRUE(session.closed);
  EXPECT_EQ(session.reason, server::CloseReason::kImproperPipelining);
  Session unready(Options());
  unready.Say("EHLO x\r\nMAIL FROM:<a@b>\r\n");
  EXPECT_EQ(Codes(unready.Say("DATA\r\nMAIL FROM:<evil@x>\r\n.\r\n")), "554 421");
  EXPECT_TRUE(unready.closed);
  Session leaving(Options());
  leaving.refuse["begin"] = {replies::kShuttingDown};
  leaving.Say("EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<a@b>\r\n");
  EXPECT_EQ(Codes(leaving.Say("DATA\r\nMAIL FROM:<evil@x>\r\n.\r\n")), "421");
  EXPECT_TRUE(leaving.closed);
}

// RFC 2034, 4: any response to HELO or EHLO.
TEST(ServerMachineTest, NoEnhancedCodeAnswersHello) {
  Session session(Options());
  EXPECT_THAT(session.Say("EHLO\r\n"), StartsWith("501 Domain"));
  EXPECT_THAT(session.Say("HELO\r\n"), StartsWith("501 Domain"));
  EXPECT_THAT(session.Say("EHLO x y z\r\n"), StartsWith("501 "));
  EXPECT_THAT(session.Say("MAIL FROM:<a@b>\r\n"), StartsWith("503 5.5.1 "));
  Session lmtp(Options(Protocol::kLmtp));
  EXPECT_THAT(lmtp.Say("EHLO x\r\n"), StartsWith("500 Command"));
  EXPECT_THAT(lmtp.Say("LHLO\r\n"), StartsWith("501 Domain"));
  EXPECT_THAT(lmtp.Say("WHAT\r\n"), StartsWith("500 5.5.2 "));
  ServerMachine refused(Options());
  refused.Greet(replies::kNoService);
  std::string_view input = "EHLO x\r\nNOOP\r\n";
  while (!input.empty()) refused.Next(input);
  EXPECT_EQ(refused.output(), "554 No SMTP service here\r\n503 Bad sequence of commands\r\n503 5.5.1 Bad sequence of commands\r\n");
}

TEST(ServerMachineTest, RecipientLimit) {
  Session session(Options());
  session.Say("EHLO x\r\nMAIL FROM:<a@b>\r\n");
  EXPECT_EQ(Codes(session.Say("RCPT TO:<1@b>\r\nRCPT TO:<2@b>\r\nRCPT TO:<3@b>\r\nRCPT TO:<4@b>\r\n")),
            "250 250 250 452");
}

TEST(ServerMachineTest, SizeLimit) {
  for (size_t size : {99U, 100U, 101U}) {
    Session session(Options());
    session.Say("EHLO x\r\n");
    EXPECT_EQ(Codes(session.Say("MAIL FROM:<a@b> SIZE=" + std::to_string(size) + "\r\n")), size <= 100 ? "250" : "552");
    session.Say("RSET\r\nMAIL FROM:<a@b>\r\nRCPT TO:<a@b>\r\nDATA\r\n");
    EXPECT_EQ(Codes(session.Say(std::string(size - 2, 'x') + "\r\n.\r\nNOOP\r\n")),
              size <= 100 ? "250 250" : "552 250");
    EXPECT_EQ(session.machine.in_transaction(), false);
  }
}

TEST(ServerMachineTest, BareEndingsInContentAreRefusedAfterTheRealEnd) {
  for (std::string_view end : {"\n.\n", "\n.\r\n", "\r.\r", "\r\n.\n", "\r\n.\r"}) {
    Session session(Options());
    session.Say("EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<a@b>\r\nDATA\r\n");
    EXPECT_EQ(session.Say("hi" + std::string(end) + "RCPT TO:<evil@b>\r\n"), "");
    EXPECT_THAT(session.Say(".\r\nNOOP\r\n"), StartsWith("550 5.6.0 Bare"));
    EXPECT_EQ(session.log.back(), "NOOP=250");
    EXPECT_EQ(session.log[session.log.size() - 2], "refused bare");
  }
}

TEST(ServerMachineTest, BareEndingsInCommandsCloseTheConnection) {
  Session session(Options());
  const std::string said = session.Say("EHLO x\nMAIL FROM:<a@b>\r\n");
  EXPECT_THAT(said, StartsWith("500 5.5.2 Bare"));
  EXPECT_EQ(Codes(said), "500 421");
  EXPECT_TRUE(session.closed);
  ServerOptions options = Options();
  options.close_on_bare_line_ending = false;
  Session lenient(options);
  EXPECT_EQ(Codes(lenient.Say("EHLO x\nMAIL FROM:<a@b>\r\nNOOP\r\n")), "500 250");
  EXPECT_FALSE(lenient.closed);
}

TEST(ServerMachineTest, LineLimit) {
  ServerOptions options = Options();
  options.offer = {};
  for (size_t length : {511U, 512U, 513U}) {
    Session session(options);
    EXPECT_EQ(Codes(session.Say("NOOP " + std::string(length - 7, 'x') + "\r\nNOOP\r\n")),
              length <= 512 ? "250 250" : "500 250");
  }
  // With AUTH the reader takes longer lines, for that command only.
  Session session(Options());
  EXPECT_EQ(Codes(session.Say("NOOP " + std::string(3000, 'x') + "\r\nNOOP\r\n")), "500 250");
  options.max_dropped_line = 10000;
  Session flooded(options);
  flooded.Say(std::string(9000, 'x'));
  EXPECT_FALSE(flooded.closed);
  flooded.Say(std::string(9000, 'x'));
  EXPECT_EQ(flooded.reason, server::CloseReason::kEndlessLine);
}

TEST(ServerMachineTest, TooManyBadCommands) {
  Session session(Options());
  EXPECT_EQ(Codes(session.Say("A\r\nB\r\nC\r\nD\r\n")), "500 500 500 500");
  EXPECT_FALSE(session.closed);
  EXPECT_EQ(Codes(session.Say("E\r\nNOOP\r\n")), "500 421");
  EXPECT_TRUE(session.closed);
  EXPECT_EQ(session.reason, server::CloseReason::kTooManyErrors);
}

TEST(ServerMachineTest, HeloOffersNothing) {
  Session session(Options());
  EXPECT_EQ(session.Say("HELO x\r\n"), "250 mx.test\r\n");
  EXPECT_FALSE(session.machine.extended());
  EXPECT_EQ(Codes(session.Say("LHLO x\r\n")), "500");
}

// RFC 3207, 4.2 and 6
TEST(ServerMachineTest, StartTlsForgetsEverything) {
  Session session(Options());
  session.Say("EHLO x\r\nMAIL FROM:<a@b>\r\n");
  EXPECT_EQ(session.Say("STARTTLS\r\nMAIL FROM:<evil@x>\r\n"), "220 2.0.0 Ready to start TLS\r\n");
  EXPECT_GT(session.discarded, 0U);
  EXPECT_EQ(session.Say("RCPT TO:<evil@x>\r\n"), "");
  session.machine.TlsEstablished(Offer());
  EXPECT_THAT(session.Say("MAIL FROM:<a@b>\r\n"), StartsWith("503 5.5.1 Send HELO"));
  EXPECT_EQ(Codes(session.Say("EHLO x\r\nSTARTTLS\r\n")), "250 503");
  EXPECT_TRUE(session.machine.tls_active());
}

TEST(ServerMachineTest, StartTlsRefused) {
  Session session(Options());
  session.refuse["starttls"] = {replies::kTlsUnavailable};
  EXPECT_EQ(Codes(session.Say("EHLO x\r\n")), "250");
  EXPECT_EQ(Codes(session.Say("STARTTLS\r\n")), "454");
  EXPECT_EQ(Codes(session.Say("MAIL FROM:<a@b>\r\n")), "250");
}

// RFC 4954
TEST(ServerMachineTest, Auth) {
  Session session(Options());
  EXPECT_EQ(Codes(session.Say("AUTH PLAIN Z29vZA==\r\n")), "503");
  session.Say("EHLO x\r\n");
  EXPECT_EQ(Codes(session.Say("AUTH LOGIN\r\n")), "504");
  EXPECT_EQ(Codes(session.Say("AUTH PLAIN YmFk\r\n")), "535");
  EXPECT_EQ(session.Say("AUTH PLAIN\r\n"), "334 d2hvPw==\r\n");
  EXPECT_THAT(session.Say("*\r\n"), StartsWith("501 5.7.0"));
  EXPECT_EQ(session.log.back(), "auth aborted");
  EXPECT_EQ(session.Say("AUTH SCRAM-SHA-256\r\n"), "334 d2hvPw==\r\n");
  EXPECT_THAT(session.Say("Z29vZA==\r\n"), StartsWith("235 2.7.0"));
  EXPECT_TRUE(session.machine.authenticated());
  EXPECT_THAT(session.Say("AUTH PLAIN Z29vZA==\r\n"), StartsWith("503 5.5.1 Already"));
}

TEST(ServerMachineTest, AuthResponsesAreBounded) {
  Session session(Options());
  session.Say("EHLO x\r\nAUTH PLAIN\r\n");
  EXPECT_THAT(session.Say("!!!\r\n"), StartsWith("501 5.5.2"));
  session.Say("AUTH PLAIN\r\n");
  EXPECT_THAT(session.Say(std::string(12287, 'A') + "\r\n"), StartsWith("500 5.5.6"));
  session.Say("AUTH PLAIN\r\n");
  EXPECT_THAT(session.Say(std::string(12284, 'A') + "\r\n"), StartsWith("535"));
}

TEST(ServerMachineTest, AuthNeedsTlsWhereItIsNotOffered) {
  ServerOptions options = Options();
  options.offer.extensions.Remove(Extension::kAuth);
  Session session(options);
  session.Say("EHLO x\r\n");
  EXPECT_THAT(session.Say("AUTH PLAIN Z29vZA==\r\n"), StartsWith("530 5.7.0 Must issue a STARTTLS"));
}

// RFC 3030
TEST(ServerMachineTest, Chunks) {
  Session session(Options());
  session.Say("EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<a@b>\r\n");
  EXPECT_EQ(Codes(session.Say("BDAT 4\r\nhi\r\nBDAT 7 LAST\r\n.\r\nyo\r\nNOOP\r\n")), "250 250 250");
  EXPECT_EQ(session.content, "hi\r\n.\r\nyo\r\n");
  EXPECT_THAT(session.log, ::testing::Contains("end 11"));
  EXPECT_EQ(Codes(session.Say("MAIL FROM:<a@b>\r\nRCPT TO:<a@b>\r\nBDAT 0 LAST\r\n")), "250 250 250");
}

TEST(ServerMachineTest, ChunksAtEverySplit) {
  constexpr std::string_view kInput =
      "EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<a@b>\r\nBDAT 4\r\nhi\r\nBDAT 0\r\nBDAT 4 LAST\r\nyo\r\nQUIT\r\n";
  Session whole(Options());
  const std::string said = whole.Say(kInput);
  EXPECT_EQ(Codes(said), "250 250 250 250 250 250 221");
  for (size_t split = 1; split < kInput.size(); ++split) {
    Session session(Options());
    std::string halves = session.Say(kInput.substr(0, split));
    halves += session.Say(kInput.substr(split));
    EXPECT_EQ(halves, said) << split;
    EXPECT_EQ(session.content, "hi\r\nyo\r\n") << split;
  }
}

TEST(ServerMachineTest, RefusedChunksAreSwallowed) {
  Session session(Options());
  session.Say("EHLO x\r\n");
  EXPECT_EQ(Codes(session.Say("BDAT 6\r\nQUIT\r\nNOOP\r\n")), "503 250");
  session.Say("MAIL FROM:<a@b>\r\n");
  EXPECT_EQ(Codes(session.Say("BDAT 6\r\nQUIT\r\nNOOP\r\n")), "554 250");
  session.Say("RSET\r\nMAIL FROM:<a@b>\r\nRCPT TO:<a@b>\r\n");
  session.refuse["begin"] = {replies::kNoStorage};
  EXPECT_EQ(Codes(session.Say("BDAT 6\r\nQUIT\r\nBDAT 6\r\nQUIT\r\nBDAT 6 LAST\r\nQUIT\r\nNOOP\r\n")),
            "452 503 503 250");
  EXPECT_FALSE(session.closed);
}

TEST(ServerMachineTest, ChunksTooBig) {
  Session session(Options());
  session.Say("EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<a@b>\r\n");
  const std::string big(60, 'x');
  EXPECT_EQ(Codes(session.Say("BDAT 60\r\n" + big + "BDAT 60\r\n" + big + "BDAT 2 LAST\r\n\r\n")), "250 552 503");
  EXPECT_THAT(session.log, ::testing::Contains("refused size"));
  EXPECT_EQ(Codes(session.Say("MAIL FROM:<a@b>\r\n")), "250");
}

TEST(ServerMachineTest, DataAndBdatDoNotMix) {
  Session session(Options());
  session.Say("EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<a@b>\r\nBDAT 1\r\nx");
  EXPECT_THAT(session.Say("DATA\r\n"), StartsWith("503 5.5.1 DATA and BDAT"));
  EXPECT_THAT(session.Say("RCPT TO:<a@b>\r\n"), StartsWith("503"));
  session.Say("RSET\r\nMAIL FROM:<a@b> BODY=BINARYMIME\r\nRCPT TO:<a@b>\r\n");
  EXPECT_THAT(session.Say("DATA\r\n"), StartsWith("503 5.5.1 BODY=BINARYMIME"));
  EXPECT_THAT(session.Say("BDAT 2 LAST\r\n\n\r"), StartsWith("250"));
  session.Say("MAIL FROM:<a@b>\r\nRCPT TO:<a@b>\r\n");
  EXPECT_THAT(session.Say("BDAT 2 LAST\r\n\n\r"), StartsWith("550 5.6.0"));
}

TEST(ServerMachineTest, AChunkOfUnknownSizeClosesTheConnection) {
  Session session(Options());
  EXPECT_EQ(Codes(session.Say("EHLO x\r\nBDAT many\r\nQUIT\r\n")), "250 501 421");
  EXPECT_EQ(session.reason, server::CloseReason::kBadChunk);
}

// RFC 2033, 4.2
TEST(ServerMachineTest, LmtpAnswersForEachRecipient) {
  Session session(Options(Protocol::kLmtp));
  EXPECT_EQ(Codes(session.Say("EHLO x\r\nHELO x\r\nLHLO x\r\n")), "500 500 250");
  session.refuse["rcpt"] = {replies::kRecipientOk, replies::kNoSuchUser};
  session.refuse["end"] = {replies::kMessageAccepted, replies::kMailboxFull};
  EXPECT_EQ(Codes(session.Say("MAIL FROM:<a@b>\r\nDATA\r\n")), "250 503");
  EXPECT_EQ(Codes(session.Say("RCPT TO:<1@b>\r\nRCPT TO:<2@b>\r\nRCPT TO:<3@b>\r\nDATA\r\n")), "250 550 250 354");
  EXPECT_EQ(Codes(session.Say("hi\r\n.\r\nNOOP\r\n")), "250 552 250");
  session.Say("MAIL FROM:<a@b>\r\nRCPT TO:<1@b>\r\nRCPT TO:<2@b>\r\nDATA\r\n");
  EXPECT_EQ(Codes(session.Say("hi\n.\r\n\r\n.\r\n")), "550 550");
}

TEST(ServerMachineTest, AnswerAll) {
  ServerMachine machine(Options(Protocol::kLmtp));
  machine.Greet();
  std::string_view input = "LHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<1@b>\r\nRCPT TO:<2@b>\r\nDATA\r\n.\r\n";
  for (const Reply& reply : {Reply(replies::kOk), Reply(replies::kOk), Reply(replies::kOk), Reply(replies::kOk),
                             Reply(replies::kStartMailInput)}) {
    machine.Next(input);
    EXPECT_TRUE(machine.awaiting_answer());
    machine.Answer(reply);
  }
  EXPECT_TRUE(std::holds_alternative<server::EndContent>(machine.Next(input)));
  machine.output().clear();
  machine.AnswerAll(replies::kLocalError);
  EXPECT_EQ(Codes(machine.output()), "451 451");
  EXPECT_FALSE(machine.awaiting_answer());
}

TEST(ServerMachineTest, NothingIsConsumedWhileAnAnswerIsOwed) {
  ServerMachine machine(Options());
  machine.Greet();
  std::string_view input = "EHLO x\r\nNOOP\r\n";
  EXPECT_TRUE(std::holds_alternative<server::HelloReceived>(machine.Next(input)));
  EXPECT_TRUE(std::holds_alternative<server::NeedInput>(machine.Next(input)));
  EXPECT_EQ(input, "NOOP\r\n");
  EXPECT_FALSE(machine.at_command_boundary());
}

TEST(ServerMachineTest, RefusedGreetingHearsOnlyQuit) {
  ServerMachine machine(Options());
  machine.Greet(replies::kNoService);
  std::string_view input = "EHLO x\r\nQUIT\r\n";
  machine.Next(input);
  EXPECT_TRUE(std::holds_alternative<server::Close>(machine.Next(input)));
  EXPECT_EQ(Codes(machine.output()), "554 503 221");
}

TEST(ServerMachineTest, ClosesWith421) {
  Session session(Options());
  session.refuse["mail"] = {replies::kShuttingDown};
  EXPECT_EQ(Codes(session.Say("EHLO x\r\nMAIL FROM:<a@b>\r\nNOOP\r\n")), "250 421");
  EXPECT_EQ(session.reason, server::CloseReason::kShutdown);

  Session idle(Options());
  EXPECT_TRUE(idle.machine.at_command_boundary());
  idle.machine.Shutdown(replies::kShuttingDown);
  EXPECT_FALSE(idle.machine.at_command_boundary()) << "it was said";
  EXPECT_EQ(idle.Say(""), "421 4.3.2 Service shutting down, closing connection\r\n");
  EXPECT_TRUE(idle.closed);
}

TEST(ServerMachineTest, PipeliningCanBeEnforced) {
  ServerOptions options = Options();
  options.enforce_pipelining = true;
  Session good(options);
  good.Say("EHLO x\r\n");
  EXPECT_EQ(Codes(good.Say("MAIL FROM:<a@b>\r\nRCPT TO:<a@b>\r\nDATA\r\n")), "250 250 354");
  EXPECT_EQ(Codes(good.Say("hi\r\n.\r\nMAIL FROM:<a@b>\r\n")), "250 250");
  Session early(options);
  EXPECT_EQ(Codes(early.Say("EHLO x\r\nMAIL FROM:<a@b>\r\n")), "554 421");
  EXPECT_EQ(early.reason, server::CloseReason::kImproperPipelining);
  Session helo(options);
  helo.Say("HELO x\r\n");
  EXPECT_EQ(Codes(helo.Say("MAIL FROM:<a@b>\r\nRCPT TO:<a@b>\r\n")), "554 421");
}

}  // namespace
}  // namespace mailmesh::smtp
