#include "common/sasl/prepare.h"

#include <gtest/gtest.h>

#include <string>

namespace mailmesh::sasl {
namespace {

std::string Prepared(std::string_view text) {
  auto result = PreparePassword(text);
  return result.ok() ? std::string(result->Reveal()) : "error";
}

TEST(Prepare, ExamplesOfRfc4013) {
  EXPECT_EQ(Prepared("I\xC2\xADX"), "IX");      // soft hyphen mapped to nothing
  EXPECT_EQ(Prepared("user"), "user");
  EXPECT_EQ(Prepared("USER"), "USER");          // case is kept
  EXPECT_EQ(Prepared("\xC2\xAA"), "a");         // NFKC
  EXPECT_EQ(Prepared("\xE2\x85\xA8"), "IX");    // NFKC of the Roman numeral
  EXPECT_EQ(Prepared("\x07"), "error");         // prohibited
  EXPECT_EQ(Prepared("\xD8\xA7" "1"), "error"); // bidirectional check
}

TEST(Prepare, RefusesWhatIsNoPassword) {
  EXPECT_EQ(Prepared(""), "error");
  EXPECT_EQ(Prepared("\xC2\xAD"), "error");
  EXPECT_EQ(Prepared("\xFF\xFE"), "error");
  EXPECT_EQ(Prepared(std::string_view("a\0b", 3)), "error");
  EXPECT_EQ(Prepared("\xF0\x9F\x90\x99"), "\xF0\x9F\x90\x99");
}

TEST(Prepare, LengthIsBounded) {
  EXPECT_TRUE(PreparePassword(std::string(kMaxPasswordOctets, 'x')).ok());
  EXPECT_FALSE(PreparePassword(std::string(kMaxPasswordOctets + 1, 'x')).ok());
}

}  // namespace
}  // namespace mailmesh::sasl
