#include "services/directory/address.h"

#include <gtest/gtest.h>

namespace mailmesh::directory {
namespace {

std::string Canonical(std::string_view text) {
  auto address = ParseAddress(text);
  return address.ok() ? address->ToString() : "error";
}

TEST(Address, AllWaysToWriteItAreOneKey) {
  EXPECT_EQ(Canonical("Alice@Example.ORG"), "alice@example.org");
  EXPECT_EQ(Canonical("\"alice\"@example.org"), "alice@example.org");
  EXPECT_EQ(Canonical("\"a b\"@example.org"), "\"a b\"@example.org");
  // Unicode: full case folding and one normal form.
  EXPECT_EQ(Canonical("STRASSE@example.org"), Canonical("stra\xC3\x9F" "e@example.org"));
  EXPECT_EQ(Canonical("\xC3\x89lodie@example.org"), Canonical("e\xCC\x81lodie@example.org"));
  // IDNA.
  EXPECT_EQ(Canonical("a@B\xC3\x9C" "CHER.example"), "a@xn--bcher-kva.example");
  EXPECT_EQ(Canonical("a@xn--bcher-kva.example"), "a@xn--bcher-kva.example");
  EXPECT_EQ(Canonical("POSTMASTER"), "postmaster");
  EXPECT_EQ(Canonical("a@[192.0.2.1]"), "a@[192.0.2.1]");
}

TEST(Address, RefusesWhatIsNone) {
  for (std::string_view text : {"", "alice", "@example.org", "alice@", "a b@example.org", "alice@exa mple.org", "alice@-x.org",
                                "<alice@example.org>", "alice@example.org\r\nRCPT", "al\xFFice@example.org"}) {
    EXPECT_EQ(Canonical(text), "error") << text;
  }
  EXPECT_EQ(Canonical(std::string(65, 'a') + "@example.org"), "error");
  EXPECT_EQ(Canonical(std::string(64, 'a') + "@example.org"), std::string(64, 'a') + "@example.org");
}

TEST(Address, WireKeepsLetters) {
  EXPECT_EQ(ParseAddress("Bob@Elsewhere.EXAMPLE")->wire, "Bob@elsewhere.example");
}

TEST(Address, Tags) {
  auto without = [](std::string_view text, std::string_view separators) {
    std::optional<Address> base = ParseAddress(text)->WithoutTag(separators);
    return base ? base->ToString() : "none";
  };
  EXPECT_EQ(without("user+tag@example.org", "+"), "user@example.org");
  EXPECT_EQ(without("user+a+b@example.org", "+"), "user@example.org");
  EXPECT_EQ(without("user@example.org", "+"), "none");
  EXPECT_EQ(without("+tag@example.org", "+"), "none");
  EXPECT_EQ(without("user+tag@example.org", ""), "none");
  EXPECT_EQ(without("user+tag@example.org", "-="), "none");
  EXPECT_EQ(without("user=a-b@example.org", "-="), "user@example.org");
  EXPECT_EQ(without("\"a b+c d\"@example.org", "+"), "\"a b\"@example.org");
}

TEST(Address, Separators) {
  for (std::string_view good : {"", "+", "-", "+-=_", ".#!'"}) EXPECT_TRUE(CheckSeparators(good).ok()) << good;
  for (std::string_view bad : {"a", "0", " ", "@", "\"", "\xC3\xA9", "+-=_."}) {
    EXPECT_TRUE(absl::IsInvalidArgument(CheckSeparators(bad))) << bad;
  }
}

TEST(Address, FoldingMayMakeALocalPartTooLongToKeep) {
  // Each U+0130 is two octets and folds to three.
  std::string dotted;
  for (int i = 0; i < 21; ++i) dotted += "\xC4\xB0";
  EXPECT_TRUE(CheckKeepable(*ParseAddress(dotted + "@example.org")).ok()) << "63 octets";
  dotted += "\xC4\xB0";
  EXPECT_TRUE(absl::IsInvalidArgument(CheckKeepable(*ParseAddress(dotted + "@example.org")))) << "66 octets";
}

TEST(Address, KeysGoThereAndBack) {
  Address address = *ParseAddress("user@example.org");
  EXPECT_EQ(Address::FromKey(address.Key()).ToString(), "user@example.org");
  EXPECT_EQ(ParseAliasAddress("@Example.org")->ToString(), "@example.org");
  EXPECT_EQ(Address::FromKey(ParseAliasAddress("@example.org")->Key()).ToString(), "@example.org");
}

}  // namespace
}  // namespace mailmesh::directory
