#include "services/smtp_ingress/completion.h"

#include <gtest/gtest.h>

namespace mailmesh::smtp_ingress {
namespace {

constexpr char kDate[] = "Date: Mon, 02 Mar 2026 10:00:00 +0000\r\n";
constexpr char kId[] = "Message-ID: <new@a.test>\r\n";

CompletionOptions Options(bool add = true, bool drop = true) {
  return {add, drop, "Mon, 02 Mar 2026 10:00:00 +0000", "<new@a.test>"};
}

std::string Run(std::string_view message, const CompletionOptions& options, size_t first, size_t piece) {
  Completion completion(options);
  std::string out = completion.Feed(message.substr(0, first));
  message.remove_prefix(std::min(first, message.size()));
  while (!message.empty()) {
    out += completion.Feed(message.substr(0, piece));
    message.remove_prefix(std::min(piece, message.size()));
  }
  return out + completion.Finish();
}

// The same at every split, and octet by octet.
void Expect(std::string_view message, std::string_view want, const CompletionOptions& options = Options()) {
  for (size_t at = 0; at <= message.size(); ++at) ASSERT_EQ(Run(message, options, at, message.size() + 1), want) << at;
  EXPECT_EQ(Run(message, options, 0, 1), want);
}

TEST(Completion, AWholeMessageStaysAsItIs) {
  const std::string whole = std::string("From: a@a.test\r\ndate: x\r\nMESSAGE-ID : y\r\n\r\nBcc: z\r\n\r\nbody\r\n");
  Expect(whole, whole);
}

TEST(Completion, MissingFieldsComeLast) {
  Expect("From: a@a.test\r\nSubject: x\r\n y\r\n\r\nbody\r\n",
         std::string("From: a@a.test\r\nSubject: x\r\n y\r\n") + kDate + kId + "\r\nbody\r\n");
  Expect("Date: x\r\n\r\n", std::string("Date: x\r\n") + kId + "\r\n");
  Expect("\r\nbody", std::string(kDate) + kId + "\r\nbody");
  Expect("", std::string(kDate) + kId);
}

TEST(Completion, AHeaderThatIsCutOffIsEnded) {
  Expect("From: a@a.test\r\n", std::string("From: a@a.test\r\n") + kDate + kId);
  Expect("From: a@a.test", std::string("From: a@a.test\r\n") + kDate + kId);
  Expect("From", std::string("From\r\n") + kDate + kId);
  Expect("Date: x\r\nMessage-ID: y", "Date: x\r\nMessage-ID: y");
}

TEST(Completion, BlindCopiesGo) {
  Expect("Bcc: a@a.test,\r\n b@a.test\r\nDate: x\r\nbCC\t : c@a.test\r\nMessage-ID: y\r\nResent-Bcc: d@a.test\r\n\r\nBcc: no\r\n",
         "Date: x\r\nMessage-ID: y\r\n\r\nBcc: no\r\n");
  Expect("Date: x\r\nMessage-ID: y\r\nBcc: a@a.test", "Date: x\r\nMessage-ID: y\r\n");
  Expect("Date: x\r\nMessage-ID: y\r\nBcc:\r\n\r\n", "Date: x\r\nMessage-ID: y\r\n\r\n");
}

TEST(Completion, NamesThatOnlyLookAlikeStay) {
  const std::string kept = "Date: x\r\nMessage-ID: y\r\nX-Bcc: a\r\nBccc: b\r\nBcc\r\nSubject: Bcc: c\r\n Bcc: d\r\n\r\n";
  Expect(kept, kept);
  // A name of the greatest length that is looked at, and one octet around it.
  for (size_t size : {79, 80, 81, 500}) {
    const std::string odd = std::string(size, 'x') + ": v\r\nDate: x\r\nMessage-ID: y\r\n\r\nb\r\n";
    Expect(odd, odd);
  }
}

TEST(Completion, EachPartCanBeSwitchedOff) {
  Expect("Bcc: a\r\n\r\n", "Bcc: a\r\n\r\n", Options(false, false));
  Expect("Bcc: a\r\n\r\n", "\r\n", Options(false, true));
  Expect("Bcc: a\r\n\r\n", std::string("Bcc: a\r\n") + kDate + kId + "\r\n", Options(true, false));
}

TEST(Completion, SaysWhatItDid) {
  Completion completion(Options());
  completion.Feed("Date: x\r\nBcc: a\r\nBcc: b\r\n\r\n");
  completion.Finish();
  EXPECT_FALSE(completion.added_date());
  EXPECT_TRUE(completion.added_message_id());
  EXPECT_EQ(completion.dropped_fields(), 2u);
}

}  // namespace
}  // namespace mailmesh::smtp_ingress
