#include "common/mime/address.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace mailmesh::mime {
namespace {

// name|route|local|domain, "{name" and "}" for groups, one a line.
std::string Show(const AddressList& list) {
  std::string out;
  for (const Address& address : list.addresses) {
    if (!out.empty()) out += " ; ";
    if (address.kind == Address::Kind::kGroupStart) out += "{" + address.local_part;
    if (address.kind == Address::Kind::kGroupEnd) out += "}";
    if (address.kind != Address::Kind::kMailbox) continue;
    out += address.name.value_or("-") + '|' + address.route.value_or("-") + '|' + address.local_part + '|' + address.domain;
  }
  return out;
}

TEST(AddressTest, Table) {
  const std::pair<std::string, std::string> table[] = {
      {"", ""},
      {"user@domain", "-|-|user|domain"},
      {"<user@domain>", "-|-|user|domain"},
      {"foo bar <user@domain>", "foo bar|-|user|domain"},
      {"\"foo, \\\"bar\\\"\" <user@domain>", "foo, \"bar\"|-|user|domain"},
      {"user@domain (Real Name)", "Real Name|-|user|domain"},
      {"user@domain (a (b) c\\))", "a (b) c)|-|user|domain"},
      {"a@b, c@d ,,  e@f", "-|-|a|b ; -|-|c|d ; -|-|e|f"},
      // RFC 5322, A.1 and A.6.1.
      {"A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;",
       "{A Group ; Ed Jones|-|c|a.test ; -|-|joe|where.test ; John|-|jdoe|one.test ; }"},
      {"Undisclosed recipients:;", "{Undisclosed recipients ; }"},
      {"Mary Smith <@node.test:mary@example.net>, , jdoe@test  . example", "Mary Smith|@node.test|mary|example.net ; -|-|jdoe|test.example"},
      {"<@a,@b:u@d>", "-|@a,@b|u|d"},
      {"Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>", "Pete|-|pete|silly.test"},
      {"\"Joe Q. Public\" <john.q.public@example.com>", "Joe Q. Public|-|john.q.public|example.com"},
      {"Joe Q. Public <john.q.public@example.com>", "Joe Q. Public|-|john.q.public|example.com"},
      {"\"quoted local\"@d", "-|-|quoted local|d"},
      {"john . doe@x", "-|-|john.doe|x"},
      {"a@[192.0.2.1]", "-|-|a|[192.0.2.1]"},
      {"=?utf-8?q?J=C3=B6rg?= <j@x>", "=?utf-8?q?J=C3=B6rg?=|-|j|x"},
      {"J\xc3\xb6rg <j\xc3\xb6rg@\xc3\xbc.example>", "J\xc3\xb6rg|-|j\xc3\xb6rg|\xc3\xbc.example"},
      {"folded\r\n name\r\n\t<a@b>", "folded name|-|a|b"},
      // damage
      {"user", "-|-|user|"},
      {"hello <user>", "hello|-|user|"},
      {"user (hello)", "hello|-|user|"},
      {"@domain", "-|-||domain"},
      {"<@domain>", "-|-||domain"},
      {"<>", "-|-||"},
      {"a@b; c@d", "-|-|a|b ; -|-|c|d"},
      {"a <b@c", "a|-|b|c"},
      {"a <b@c> junk, d@e", "a|-|b|c ; -|-|d|e"},
      {"g: a@b", "{g ; -|-|a|b ; }"},
      {"g: h: a@b;", "{g ; -|-|a|b ; }"},
      {"\"unclosed <a@b>, c@d", "-|-|unclosed <a@b>, c@d|"},
      {"(unclosed <a@b>", ""},
      {"a@b@c, d@e", "-|-|a|b ; -|-|d|e"},
      {">, a@b", "-|-|a|b"},
      {"), ) a@b) (c), d)e@f", "c|-|a|b ; -|-|de|f"},
  };
  for (const auto& [in, out] : table) EXPECT_EQ(Show(ParseAddressList(in)), out) << in;
}

TEST(AddressTest, FillMissing) {
  AddressOptions options;
  options.fill_missing = true;
  EXPECT_EQ(Show(ParseAddressList("user, @d, g:;", options)), "-|-|user|MISSING_DOMAIN ; -|-|MISSING_MAILBOX|d ; {g ; }");
}

TEST(AddressTest, DamageIsTold) {
  EXPECT_FALSE(ParseAddressList("a <b@c>, g: d@e;").damaged);
  for (const char* in : {"user", "a <b@c", "g: a@b", "\"x", "a@b c@d"}) EXPECT_TRUE(ParseAddressList(in).damaged) << in;
}

TEST(AddressTest, CountLimit) {
  AddressOptions options;
  for (const size_t limit : {2u, 3u, 4u}) {
    options.max_addresses = limit;
    const AddressList list = ParseAddressList("a@b, c@d, e@f", options);
    EXPECT_EQ(list.addresses.size(), std::min<size_t>(limit, 3));
    EXPECT_EQ(list.truncated, limit < 3);
  }
}

TEST(AddressTest, LinearOnOneMebibyte) {
  AddressOptions options;
  options.max_addresses = 1 << 20;
  const auto start = std::chrono::steady_clock::now();
  for (const std::string unit : {"a@b,", "(", "\"", "<", "@", "a ", ",", ":", "<@a,", "(a) ", "a.b . ", "<a@b> ", "[", "\\", "a:b;", ";", ")"}) {
    std::string text;
    while (text.size() < (1u << 20)) text += unit;
    EXPECT_LE(ParseAddressList(text, options).addresses.size(), (1u << 20) + 1) << unit;
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
}

TEST(AddressTest, FormatAddrSpec) {
  Address address;
  const auto format = [&](std::string local, std::string domain) {
    address.local_part = std::move(local);
    address.domain = std::move(domain);
    return FormatAddrSpec(address);
  };
  EXPECT_EQ(format("john.doe", "x.org"), "john.doe@x.org");
  EXPECT_EQ(format("john doe", "x"), "\"john doe\"@x");
  EXPECT_EQ(format("a\"b\\", "x"), "\"a\\\"b\\\\\"@x");
  EXPECT_EQ(format(".a", "x"), "\".a\"@x");
  EXPECT_EQ(format("j\xc3\xb6rg", "x"), "j\xc3\xb6rg@x");
  EXPECT_EQ(format("user", ""), "user");
}

}  // namespace
}  // namespace mailmesh::mime
