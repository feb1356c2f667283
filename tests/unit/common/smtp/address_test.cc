#include "common/smtp/address.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace mailmesh::smtp {
namespace {

constexpr AddressOptions kAscii;
constexpr AddressOptions kUtf8{.utf8 = true};

struct Good {
  std::string_view text;
  std::string_view local_part;
  std::string_view domain;
  std::string_view again;  // ToString
};

constexpr Good kGood[] = {
    {"joe@example.org", "joe", "example.org", "joe@example.org"},
    {"Joe.Doe+tag=x@Example.ORG", "Joe.Doe+tag=x", "Example.ORG", "Joe.Doe+tag=x@Example.ORG"},
    {"!#$%&'*+-/=?^_`{|}~@x", "!#$%&'*+-/=?^_`{|}~", "x", "!#$%&'*+-/=?^_`{|}~@x"},
    {"\"joe\"@x.y", "joe", "x.y", "joe@x.y"},
    {"\"a b\"@x.y", "a b", "x.y", "\"a b\"@x.y"},
    {"\"a\\\"b\\\\c\"@x.y", "a\"b\\c", "x.y", "\"a\\\"b\\\\c\"@x.y"},
    {"\"a@b\"@x.y", "a@b", "x.y", "\"a@b\"@x.y"},
    {"\"\\a\"@x.y", "a", "x.y", "a@x.y"},
    {"\".a\"@x.y", ".a", "x.y", "\".a\"@x.y"},
    {"\"a>b\"@x.y", "a>b", "x.y", "\"a>b\"@x.y"},
    {"\"\"@x.y", "", "x.y", "\"\"@x.y"},
    {"a@[192.0.2.1]", "a", "[192.0.2.1]", "a@[192.0.2.1]"},
    {"a@[IPv6:2001:db8::1]", "a", "[IPv6:2001:db8::1]", "a@[IPv6:2001:db8::1]"},
    {"a@[ipv6:::ffff:192.0.2.1]", "a", "[ipv6:::ffff:192.0.2.1]", "a@[ipv6:::ffff:192.0.2.1]"},
    {"a@1.2.3", "a", "1.2.3", "a@1.2.3"},
    {"a@xn--bcher-kva.example", "a", "xn--bcher-kva.example", "a@xn--bcher-kva.example"},
};

TEST(AddressTest, ReadsMailboxes) {
  for (const Good& good : kGood) {
    Mailbox mailbox;
    ASSERT_EQ(ParseMailbox(good.text, kAscii, mailbox), AddressError::kNone) << good.text;
    EXPECT_EQ(mailbox.local_part(), good.local_part);
    EXPECT_EQ(mailbox.domain(), good.domain);
    EXPECT_EQ(mailbox.ToString(), good.again);
    // What is written is read again as the same.
    const auto again = ParseMailbox(mailbox.ToString());
    ASSERT_TRUE(again.has_value()) << good.text;
    EXPECT_EQ(*again, mailbox);
  }
}

TEST(AddressTest, RefusesWhatIsNoMailbox) {
  const std::string_view bad[] = {
      "",
      "joe",
      "@x",
      "joe@",
      "joe@x.",
      "joe@.x",
      "joe@x..y",
      ".joe@x",
      "joe.@x",
      "j..e@x",
      "j e@x",
      "joe@x y",
      "joe@-x",
      "joe@x-",
      "joe@x_y",
      "\"joe@x",
      "\"joe\"x@y",
      "joe@[1.2.3]",
      "joe@[1.2.3.4",
      "joe@[1.2.3.256]",
      "joe@[01.2.3.4]",
      "joe@[x:y]",
      "joe@[IPv6:1.2.3.4]",
      "joe@[IPv6:1::2::3]",
      "joe@[]",
      "joe@x>",
      "joe@x\r\n",
      "joe\n@x",
      "\"a\nb\"@x",
      "\"a\rb\"@x",
      "j(c)@x",
      "j,k@x",
      "joe@x@y",
      "\"joe\\",
  };
  for (std::string_view text : bad) {
    Mailbox mailbox;
    EXPECT_EQ(ParseMailbox(text, kAscii, mailbox), AddressError::kSyntax) << text;
  }
  Mailbox mailbox;
  using namespace std::literals;
  // A NUL hides nothing from us, whatever the C library makes of it.
  for (std::string_view text : {"a\0b@x"sv, "a@[192.0.2.1\0 x]"sv, "a@[IPv6:::1\0>]"sv, "a@x\0y"sv}) {
    EXPECT_EQ(ParseMailbox(text, kAscii, mailbox), AddressError::kSyntax) << text;
  }
  EXPECT_FALSE(IsAddressLiteral("[192.0.2.1\0]"sv));
}

TEST(AddressTest, Utf8OnlyWhereAllowed) {
  for (std::string_view text : {"grüße@example.org", "a@bücher.example", "\"ü b\"@x.y", "用户@例子.广告"}) {
    Mailbox mailbox;
    EXPECT_EQ(ParseMailbox(text, kAscii, mailbox), AddressError::kUtf8NotAllowed) << text;
    ASSERT_EQ(ParseMailbox(text, kUtf8, mailbox), AddressError::kNone) << text;
    EXPECT_EQ(mailbox.ToString(), text);
    EXPECT_FALSE(mailbox.IsAscii());
  }
  for (std::string_view text : {"gr\xfc@x", "a@b\xc3", "\"\xe2\x82\"@x", "\xed\xa0\x80@x", "\xc0\x80@x"}) {
    Mailbox mailbox;
    EXPECT_EQ(ParseMailbox(text, kUtf8, mailbox), AddressError::kSyntax) << text;
    EXPECT_EQ(ParseMailbox(text, kAscii, mailbox), AddressError::kSyntax) << text;
  }
}

// RFC 5321, 4.5.3.1.1
TEST(AddressTest, LocalPartLimit) {
  for (size_t length : {63U, 64U, 65U}) {
    Mailbox mailbox;
    const auto expected = length <= 64 ? AddressError::kNone : AddressError::kLocalPartTooLong;
    EXPECT_EQ(ParseMailbox(std::string(length, 'a') + "@x", kAscii, mailbox), expected) << length;
    // As written: the quotes count.
    EXPECT_EQ(ParseMailbox("\"" + std::string(length - 2, 'a') + "\"@x", kAscii, mailbox), expected) << length;
  }
  Mailbox mailbox;
  EXPECT_EQ(ParseMailbox(std::string(100, 'a') + "@x", {.max_local_part = 100}, mailbox), AddressError::kNone);
}

std::string DomainOf(size_t length) {
  std::string domain;
  while (domain.size() + 64 < length) domain += std::string(63, 'd') + ".";
  return domain + std::string(length - domain.size(), 'e');
}

// RFC 5321, 4.5.3.1.2
TEST(AddressTest, DomainLimit) {
  for (size_t length : {254U, 255U, 256U}) {
    ASSERT_EQ(DomainOf(length).size(), length);
    Mailbox mailbox;
    EXPECT_EQ(ParseMailbox("a@" + DomainOf(length), kAscii, mailbox),
              length <= 255 ? AddressError::kNone : AddressError::kDomainTooLong)
        << length;
    EXPECT_EQ(IsDomain(DomainOf(length)), length <= 255);
  }
  EXPECT_TRUE(IsDomain(std::string(63, 'x') + ".y"));
  EXPECT_FALSE(IsDomain(std::string(64, 'x') + ".y"));
}

// RFC 5321, 4.5.3.1.3
TEST(AddressTest, PathLimit) {
  for (size_t length : {255U, 256U, 257U}) {
    const std::string path = "<a@" + DomainOf(length - 4) + ">";
    ASSERT_EQ(path.size(), length);
    std::string_view text = path;
    Mailbox mailbox;
    EXPECT_EQ(TakeForwardPath(text, kAscii, mailbox), length <= 256 ? AddressError::kNone : AddressError::kPathTooLong)
        << length;
  }
}

TEST(AddressTest, TakesPathsOffTheFront) {
  std::string_view text = "<> SIZE=1";
  ReversePath reverse;
  EXPECT_EQ(TakeReversePath(text, kAscii, reverse), AddressError::kNone);
  EXPECT_TRUE(reverse.is_null());
  EXPECT_EQ(reverse.ToString(), "<>");
  EXPECT_EQ(text, " SIZE=1");

  text = "<a@b>X";
  EXPECT_EQ(TakeReversePath(text, kAscii, reverse), AddressError::kNone);
  EXPECT_EQ(reverse.ToString(), "<a@b>");
  EXPECT_EQ(text, "X");

  // RFC 5321, appendix C
  text = "<@one.example,@[192.0.2.1]:joe@x.y>";
  EXPECT_EQ(TakeReversePath(text, kAscii, reverse), AddressError::kNone);
  EXPECT_EQ(reverse.ToString(), "<joe@x.y>");

  for (std::string_view bad :
       {"", "a@b", "<a@b", "<a>", "< a@b>", "<a@b >", "<@x:>", "<@x,:a@b>", "<@x a@b>", "<<a@b>>"}) {
    text = bad;
    EXPECT_EQ(TakeReversePath(text, kAscii, reverse), AddressError::kSyntax) << bad;
    text = bad;
    Mailbox mailbox;
    EXPECT_EQ(TakeForwardPath(text, kAscii, mailbox), AddressError::kSyntax) << bad;
  }
}

// RFC 5321, 4.1.1.3
TEST(AddressTest, PostmasterNeedsNoDomainAsRecipient) {
  for (std::string_view path : {"<postmaster>", "<PostMaster>"}) {
    std::string_view text = path;
    Mailbox mailbox;
    ASSERT_EQ(TakeForwardPath(text, kAscii, mailbox), AddressError::kNone);
    EXPECT_TRUE(mailbox.IsPostmaster());
    EXPECT_EQ(mailbox.ToString(), "postmaster");
    EXPECT_EQ(mailbox.domain(), "");
    text = path;
    ReversePath reverse;
    EXPECT_EQ(TakeReversePath(text, kAscii, reverse), AddressError::kSyntax);
  }
  std::string_view text = "<>";
  Mailbox mailbox;
  EXPECT_EQ(TakeForwardPath(text, kAscii, mailbox), AddressError::kSyntax);
  EXPECT_TRUE(ParseMailbox("POSTMASTER@x")->IsPostmaster());
}

TEST(AddressTest, ComparesAsRfc5321Says) {
  EXPECT_EQ(*ParseMailbox("joe@Example.ORG"), *ParseMailbox("\"joe\"@example.org"));
  EXPECT_NE(*ParseMailbox("Joe@example.org"), *ParseMailbox("joe@example.org"));
  EXPECT_EQ(ParseMailbox("\"j\\oe\"@Example.ORG")->Canonical(), "joe@example.org");
}

TEST(AddressTest, BuildsFromPartsOnlyWhatCanBeWritten) {
  EXPECT_EQ(Mailbox::FromParts("a b", "x.y")->ToString(), "\"a b\"@x.y");
  EXPECT_EQ(Mailbox::FromParts("a\"b", "[192.0.2.1]")->ToString(), "\"a\\\"b\"@[192.0.2.1]");
  EXPECT_FALSE(Mailbox::FromParts("a\r\nb", "x.y"));
  EXPECT_FALSE(Mailbox::FromParts("a", "x.y>"));
  EXPECT_FALSE(Mailbox::FromParts("a", "x.y\r\nDATA"));
  EXPECT_FALSE(Mailbox::FromParts("a", ""));
  EXPECT_FALSE(Mailbox::FromParts("ü", "x.y"));
  EXPECT_TRUE(Mailbox::FromParts("ü", "x.y", kUtf8));
}

}  // namespace
}  // namespace mailmesh::smtp
