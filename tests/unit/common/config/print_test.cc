#include "common/config/print.h"

#include <gmock/gmock.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include "common/config/loader.h"
#include "tests/unit/common/config/sample.pb.h"

namespace mailmesh::config {
namespace {

using google::protobuf::util::MessageDifferencer;
using test::Sample;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(PrintEffectiveTest, ComesBackTheSame) {
  const char* const texts[] = {
      "",
      "name: \"true\"\nflag: true\nsmall: -3\nbig: -9\nlimit_bytes: 65537\nratio: 0.125\ntimeout: 1s500ms\nblob: AAEC\n"
      "words: [a, b]\nwaits: []\nparts: [{path: /a, weight: 2}, {path: \"\"}]\nnamed: {\"x: y\": {path: p}}\n"
      "pairs: {a: \"1.10\", \"\": \"\"}\nnumbered: {-1: minus}\nextra: {}\nleft: \"two\\nlines \\\"quoted\\\" \\\\ "
      "\\e\"\n"
      "listen: \"[::]:25\"\nnetworks: \"::1\"\nmaybe: 0\n",
      "right: {path: /x}\ntree: {child: {child: {label: deep}}}",
  };
  for (const char* text : texts) {
    Sample first, second;
    ASSERT_EQ(FormatProblems("f", LoadYaml(text, &first)), "");
    const std::string printed = PrintEffective(first);
    EXPECT_EQ(FormatProblems("printed", LoadYaml(printed, &second)), "") << printed;
    EXPECT_TRUE(MessageDifferencer::Equals(first, second)) << printed << "\n"
                                                           << first.DebugString() << second.DebugString();
  }
}

TEST(PrintEffectiveTest, SecretsAreNotShown) {
  Sample sample;
  ASSERT_TRUE(LoadYaml("token: hunter2", &sample).empty());
  EXPECT_THAT(PrintEffective(sample), HasSubstr("token: \"<redacted>\"\n"));
  EXPECT_THAT(PrintEffective(sample), Not(HasSubstr("hunter2")));
}

TEST(PrintEffectiveTest, LooksLikeAConfiguration) {
  Sample sample;
  ASSERT_TRUE(LoadYaml("parts: [{path: /a}]\nnamed: {x: {path: /b}}", &sample).empty());
  const std::string printed = PrintEffective(sample);
  EXPECT_THAT(printed, HasSubstr("limit_bytes: 25MiB\n"));
  EXPECT_THAT(printed, HasSubstr("timeout: 5m\n"));
  EXPECT_THAT(printed, HasSubstr("parts:\n  - path: /a\n    weight: 1\nnamed:\n  x:\n    path: /b\n    weight: 1\n"));
}

}  // namespace
}  // namespace mailmesh::config
