#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "common/smtp/command_parser.h"
#include "common/smtp/command_writer.h"
#include "common/smtp/replies.h"

namespace mailmesh::smtp {
namespace {

const ExtensionSet kAll = {Extension::kSize,       Extension::k8BitMime,   Extension::kSmtpUtf8,
                           Extension::kChunking,   Extension::kDsn,        Extension::kAuth,
                           Extension::kRequireTls, Extension::kBinaryMime, Extension::kStartTls};

ParsedCommand Parse(std::string_view line, ExtensionSet offered = kAll, bool utf8 = false) {
  ParseOptions options;
  options.offered = offered;
  options.utf8_transaction = utf8;
  return ParseCommand(line, options);
}

template <class T>
T Get(std::string_view line, ExtensionSet offered = kAll, bool utf8 = false) {
  ParsedCommand parsed = Parse(line, offered, utf8);
  EXPECT_TRUE(parsed.ok()) << line << ": " << (parsed.ok() ? "" : parsed.error().text);
  if (!parsed.ok() || !std::holds_alternative<T>(parsed.command())) {
    ADD_FAILURE() << line;
    return T{};
  }
  return std::get<T>(parsed.command());
}

void ExpectError(std::string_view line, const CannedReply& reply, ExtensionSet offered = kAll, bool utf8 = false) {
  const ParsedCommand parsed = Parse(line, offered, utf8);
  ASSERT_FALSE(parsed.ok()) << line;
  EXPECT_EQ(parsed.error().code, reply.code) << line;
  EXPECT_EQ(parsed.error().text, reply.text) << line;
}

TEST(CommandParserTest, Hello) {
  EXPECT_EQ(Get<Hello>("EHLO mail.example.org").name, "mail.example.org");
  EXPECT_EQ(Get<Hello>("helo x").verb, Verb::kHelo);
  EXPECT_EQ(Get<Hello>("LHLO x  ").verb, Verb::kLhlo);
  EXPECT_TRUE(Get<Hello>("EHLO [192.0.2.1]").well_formed);
  EXPECT_TRUE(Get<Hello>("EHLO my_host").well_formed);
  EXPECT_FALSE(Get<Hello>("EHLO 192.0.2.1:25").well_formed);
  EXPECT_FALSE(Get<Hello>("EHLO -").well_formed);
  for (const char* bad : {"EHLO", "EHLO ", "EHLO a b", "EHLO a\tb", "EHLO \x01", "EHLO \xff"}) {
    ExpectError(bad, replies::kBadHelloName);
  }
  EXPECT_TRUE(Parse("EHLO " + std::string(255, 'x')).ok());
  ExpectError("EHLO " + std::string(256, 'x'), replies::kBadHelloName);
}

TEST(CommandParserTest, Mail) {
  EXPECT_TRUE(Get<Mail>("MAIL FROM:<>").reverse_path.is_null());
  EXPECT_EQ(Get<Mail>("mail from: <a@b> ").reverse_path.ToString(), "<a@b>");
  const Mail mail =
      Get<Mail>("MAIL FROM:<a@b> SIZE=1000 BODY=8bitmime SMTPUTF8 REQUIRETLS RET=HDRS ENVID=x+2By AUTH=joe+2Bx@y.z");
  EXPECT_EQ(mail.size, 1000U);
  EXPECT_EQ(mail.body, Body::k8BitMime);
  EXPECT_TRUE(mail.smtputf8);
  EXPECT_TRUE(mail.require_tls);
  EXPECT_EQ(mail.ret, Ret::kHeaders);
  EXPECT_EQ(mail.envid, "x+y");
  ASSERT_TRUE(mail.auth);
  EXPECT_EQ(mail.auth->ToString(), "<joe+x@y.z>");
  EXPECT_TRUE(Get<Mail>("MAIL FROM:<a@b> AUTH=<>").auth->is_null());
  EXPECT_FALSE(Get<Mail>("MAIL FROM:<a@b>").size);
  EXPECT_EQ(Get<Mail>("MAIL FROM:<a@b> SIZE=99999999999999999999").size, UINT64_MAX);
}

TEST(CommandParserTest, MailErrors) {
  ExpectError("MAIL", replies::kSyntaxError);
  ExpectError("MAIL <a@b>", replies::kSyntaxError);
  ExpectError("MAIL TO:<a@b>", replies::kSyntaxError);
  ExpectError("MAIL FROM:a@b", replies::kBadSenderAddress);
  ExpectError("MAIL FROM:<a>", replies::kBadSenderAddress);
  ExpectError("MAIL FROM:<" + std::string(65, 'a') + "@b>", replies::kBadSenderAddress);
  ExpectError("MAIL FROM:<a@b>SIZE=1", replies::kSyntaxError);
  ExpectError("MAIL FROM:<a@b> FOO=1", replies::kUnknownParameter);
  ExpectError("MAIL FROM:<a@b> FOO", replies::kUnknownParameter);
  ExpectError("MAIL FROM:<a@b> NOTIFY=NEVER", replies::kUnknownParameter);
  for (const char* parameter :
       {"SIZE",   "SIZE=",     "SIZE=x",       "SIZE=-1", "SIZE=1x", "SIZE=1 SIZE=2", "SIZE=123456789012345678901",
        "BODY=",  "BODY=9BIT", "SMTPUTF8=1",   "RET=ALL", "ENVID=",  "ENVID=a+0A",    "AUTH=",
        "AUTH=x", "AUTH=a=b",  "REQUIRETLS=1", "=1",      "-X=1",    "A_B=1"}) {
    ExpectError(std::string("MAIL FROM:<a@b> ") + parameter, replies::kSyntaxError);
  }
}

// RFC 5321, 4.1.1.11: what was not offered is not known.
TEST(CommandParserTest, ParametersNeedTheirExtension) {
  for (const char* parameter :
       {"SIZE=1", "BODY=8BITMIME", "SMTPUTF8", "REQUIRETLS", "RET=FULL", "ENVID=x", "AUTH=<>"}) {
    ExpectError(std::string("MAIL FROM:<a@b> ") + parameter, replies::kUnknownParameter, {});
  }
  ExpectError("MAIL FROM:<a@b> BODY=BINARYMIME", replies::kSyntaxError, {Extension::k8BitMime});
  ExpectError("RCPT TO:<a@b> NOTIFY=NEVER", replies::kUnknownParameter, {});
}

// RFC 6531, 3.4 and 3.5
TEST(CommandParserTest, Utf8NeedsTheParameter) {
  EXPECT_EQ(Get<Mail>("MAIL FROM:<ü@b> SMTPUTF8").reverse_path.ToString(), "<ü@b>");
  ExpectError("MAIL FROM:<ü@b>", replies::kSenderNeedsUtf8);
  ExpectError("MAIL FROM:<ü@b>", replies::kSenderNeedsUtf8, {});
  ExpectError("MAIL FROM:<\xff@b> SMTPUTF8", replies::kBadSenderAddress);
  EXPECT_EQ(Get<Rcpt>("RCPT TO:<ü@b>", kAll, true).forward_path.ToString(), "ü@b");
  ExpectError("RCPT TO:<ü@b>", replies::kRecipientNeedsUtf8);
}

TEST(CommandParserTest, Rcpt) {
  EXPECT_EQ(Get<Rcpt>("RCPT TO:<a@b>").forward_path.ToString(), "a@b");
  EXPECT_EQ(Get<Rcpt>("rcpt to:<Postmaster>").forward_path.ToString(), "postmaster");
  EXPECT_EQ(Get<Rcpt>("RCPT TO:<@x,@y:a@b>").forward_path.ToString(), "a@b");
  const Rcpt rcpt = Get<Rcpt>("RCPT TO:<a@b> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;x@y");
  EXPECT_TRUE(rcpt.notify.success);
  EXPECT_FALSE(rcpt.notify.failure);
  EXPECT_EQ(rcpt.orcpt->address, "x@y");
  ExpectError("RCPT", replies::kSyntaxError);
  ExpectError("RCPT TO:", replies::kBadRecipientAddress);
  ExpectError("RCPT TO:<>", replies::kBadRecipientAddress);
  ExpectError("RCPT TO:<a@b> SIZE=1", replies::kUnknownParameter);
  ExpectError("RCPT TO:<a@b> NOTIFY=NEVER,DELAY", replies::kSyntaxError);
  ExpectError("RCPT TO:<a@b> NOTIFY=DELAY NOTIFY=DELAY", replies::kSyntaxError);
  ExpectError("RCPT TO:<a@b> ORCPT=x", replies::kSyntaxError);
}

TEST(CommandParserTest, Bdat) {
  EXPECT_EQ(Get<Bdat>("BDAT 1000").size, 1000U);
  EXPECT_FALSE(Get<Bdat>("BDAT 1000").last);
  EXPECT_TRUE(Get<Bdat>("bdat 0 last").last);
  EXPECT_EQ(Get<Bdat>("BDAT 18446744073709551615").size, UINT64_MAX);
  for (const char* bad :
       {"BDAT", "BDAT x", "BDAT -1", "BDAT 1x", "BDAT 1 FIRST", "BDAT 18446744073709551616", "BDAT 1 LAST x"}) {
    ExpectError(bad, replies::kSyntaxError);
  }
}

TEST(CommandParserTest, AuthMarksItsSecret) {
  const Auth auth = Get<Auth>("auth plain AGpvZQBzZWNyZXQ=");
  EXPECT_EQ(auth.mechanism, "PLAIN");
  EXPECT_EQ(auth.initial_response->Reveal(), std::string_view("\0joe\0secret", 11));
  EXPECT_FALSE(Get<Auth>("AUTH SCRAM-SHA-256").initial_response);
  EXPECT_TRUE(Get<Auth>("AUTH EXTERNAL =").initial_response->empty());
  ExpectError("AUTH", replies::kSyntaxError);
  ExpectError("AUTH PLA!N", replies::kSyntaxError);
  ExpectError("AUTH " + std::string(21, 'X'), replies::kSyntaxError);
  ExpectError("AUTH PLAIN !!!!", replies::kBadBase64);
  ExpectError("AUTH PLAIN AAAA AAAA", replies::kBadBase64);
}

TEST(CommandParserTest, TheRest) {
  Get<Data>("DATA");
  Get<Rset>("rset \t");
  Get<Noop>("NOOP anything");
  Get<Quit>("QUIT");
  Get<StartTls>("STARTTLS");
  EXPECT_EQ(Get<Vrfy>("VRFY joe").argument, "joe");
  EXPECT_TRUE(Get<Vrfy>("VRFY jö SMTPUTF8").smtputf8);
  EXPECT_EQ(Get<Expn>("EXPN list").argument, "list");
  EXPECT_EQ(Get<Help>("HELP").argument, "");
  EXPECT_EQ(Get<Etrn>("ETRN example.org").argument, "example.org");
  for (const char* bare : {"DATA x", "RSET x", "QUIT x", "STARTTLS x"}) ExpectError(bare, replies::kNoArgumentsAllowed);
  ExpectError("VRFY", replies::kSyntaxError);
  ExpectError("VRFY jö", replies::kSyntaxError);
  for (const char* bad : {"", " ", "FOO", "MAILX FROM:<>", "GET / HTTP/1.1", "\xff\xfe"}) {
    ExpectError(bad, replies::kUnknownCommand);
  }
  for (const char* old : {"TURN", "SEND FROM:<a@b>", "SOML FROM:<a@b>", "SAML FROM:<a@b>"}) {
    ExpectError(old, replies::kNotImplemented);
  }
  EXPECT_EQ(VerbName(Verb::kStartTls), "STARTTLS");
  EXPECT_EQ(VerbName(Verb::kOther), "other");
}

TEST(CommandWriterTest, WhatIsWrittenIsReadAgain) {
  const std::string_view lines[] = {
      "MAIL FROM:<>",
      "MAIL FROM:<\"a b\"@x.y> SIZE=10 BODY=8BITMIME SMTPUTF8 REQUIRETLS RET=FULL ENVID=a+20b AUTH=<>",
      "MAIL FROM:<a@b> BODY=BINARYMIME AUTH=joe@x.y",
      "RCPT TO:<a@b>",
      "RCPT TO:<postmaster> NOTIFY=NEVER ORCPT=rfc822;x+20y@z",
  };
  for (std::string_view line : lines) {
    ParsedCommand parsed = Parse(line);
    ASSERT_TRUE(parsed.ok()) << line;
    std::string out;
    if (const Mail* mail = std::get_if<Mail>(&parsed.command())) AppendMail(*mail, kAll, out);
    if (const Rcpt* rcpt = std::get_if<Rcpt>(&parsed.command())) AppendRcpt(*rcpt, kAll, false, out);
    EXPECT_EQ(out, std::string(line) + "\r\n");
  }
}

TEST(CommandWriterTest, LeavesOutWhatIsNotOffered) {
  const Mail mail = Get<Mail>("MAIL FROM:<a@b> SIZE=10 BODY=8BITMIME SMTPUTF8 RET=FULL ENVID=x AUTH=<>");
  std::string out;
  AppendMail(mail, {}, out);
  EXPECT_EQ(out, "MAIL FROM:<a@b>\r\n");
  out.clear();
  AppendRcpt(Get<Rcpt>("RCPT TO:<a@b> NOTIFY=NEVER"), {}, false, out);
  EXPECT_EQ(out, "RCPT TO:<a@b>\r\n");
}

TEST(CommandWriterTest, ANameCannotSmuggleALine) {
  std::string out;
  AppendHello(Verb::kEhlo, "x\r\nMAIL", out);
  EXPECT_EQ(out, "EHLO x??MAIL\r\n");
  out.clear();
  AppendBdat(7, true, out);
  AppendBare(Verb::kStartTls, out);
  EXPECT_EQ(out, "BDAT 7 LAST\r\nSTARTTLS\r\n");
}

}  // namespace
}  // namespace mailmesh::smtp
