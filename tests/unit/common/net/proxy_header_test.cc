#include "common/net/proxy_header.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace mailmesh::net {
namespace {

using namespace std::string_literals;

// What came of an input: the fault by name, "more", "local" or the client's address.
std::string Outcome(const ProxyHeaderParser& parser) {
  if (parser.fault().has_value()) {
    switch (*parser.fault()) {
      case ProxyFault::kMalformed:
        return "malformed";
      case ProxyFault::kNoAddress:
        return "no address";
      case ProxyFault::kBadSource:
        return "bad source";
    }
  }
  if (!parser.done()) return "more";
  if (parser.header().local) return "local";
  return parser.header().source.ToString();
}

std::pair<std::string, size_t> ParseInPieces(std::string_view input, size_t first, size_t step) {
  ProxyHeaderParser parser;
  size_t taken = parser.Feed(input.substr(0, first));
  while (taken < input.size()) {
    const size_t more = parser.Feed(input.substr(taken, step));
    if (more == 0) break;
    taken += more;
  }
  return {Outcome(parser), taken};
}

// Whatever the pieces: cut once at each place, and octet by octet.
std::pair<std::string, size_t> Parse(std::string_view input) {
  const auto whole = ParseInPieces(input, input.size(), input.size() + 1);
  for (size_t cut = 0; cut <= input.size(); ++cut) {
    EXPECT_EQ(ParseInPieces(input, cut, input.size() + 1), whole) << "cut at " << cut;
  }
  EXPECT_EQ(ParseInPieces(input, 0, 1), whole);
  return whole;
}

std::string OutcomeOf(std::string_view input) { return Parse(input).first; }

constexpr char kStart2[] = "\r\n\r\n\0\r\nQUIT\n";

// `command` 0x20 or 0x21, `protocol` family and transport.
std::string Version2(int command, int protocol, const std::string& rest, int size = -1) {
  const size_t length = size < 0 ? rest.size() : static_cast<size_t>(size);
  std::string header(kStart2, 12);
  header += static_cast<char>(command);
  header += static_cast<char>(protocol);
  header += static_cast<char>(length >> 8);
  header += static_cast<char>(length & 0xff);
  return header + rest;
}

// 192.0.2.7:54321, to 198.51.100.25:25; [2001:db8::7]:54321, to [2001:db8::19]:993.
const std::string kTcp4 = "\xc0\x00\x02\x07\xc6\x33\x64\x19\xd4\x31\x00\x19"s;
const std::string kTcp6 = "\x20\x01\x0d\xb8"s + std::string(11, '\0') + "\x07" + "\x20\x01\x0d\xb8"s + std::string(11, '\0') +
                          "\x19" + "\xd4\x31\x03\xe1"s;

TEST(ProxyHeader, Version1) {
  EXPECT_EQ(OutcomeOf("PROXY TCP4 192.0.2.7 198.51.100.25 54321 25\r\n"), "192.0.2.7:54321");
  EXPECT_EQ(OutcomeOf("PROXY TCP6 2001:db8::7 2001:db8::19 54321 993\r\n"), "[2001:db8::7]:54321");
  EXPECT_EQ(OutcomeOf("PROXY TCP6 ::ffff:192.0.2.7 ::ffff:198.51.100.25 0 65535\r\n"), "192.0.2.7:0");
  for (const char* unknown : {"PROXY UNKNOWN\r\n", "PROXY UNKNOWN ffff:f...f:ffff whatever 1 2\r\n"}) {
    EXPECT_EQ(OutcomeOf(unknown), "no address") << unknown;
  }
  for (const char* wrong : {"PROXY \r\n",
                            "PROXY TCP4\r\n",
                            "PROXY TCP5 192.0.2.7 198.51.100.25 1 2\r\n",
                            "PROXY tcp4 192.0.2.7 198.51.100.25 1 2\r\n",
                            "PROXY UNKNOWNS\r\n",
                            "PROXY TCP4 2001:db8::7 198.51.100.25 1 2\r\n",
                            "PROXY TCP6 192.0.2.7 2001:db8::19 1 2\r\n",
                            "PROXY TCP4 192.0.2.7 198.51.100.25 1\r\n",
                            "PROXY TCP4 192.0.2.7 198.51.100.25 1 2 3\r\n",
                            "PROXY TCP4  192.0.2.7 198.51.100.25 1 2\r\n",
                            "PROXY TCP4 192.0.2.7 198.51.100.25 1  2\r\n",
                            "PROXY TCP4 192.0.2.7 198.51.100.25 1 2 \r\n",
                            "PROXY TCP4 192.0.2.7 198.51.100.25 01 2\r\n",
                            "PROXY TCP4 192.0.2.7 198.51.100.25 -1 2\r\n",
                            "PROXY TCP4 192.0.2.7 198.51.100.25 +1 2\r\n",
                            "PROXY TCP4 192.0.2.7 198.51.100.25 65536 2\r\n",
                            "PROXY TCP4 192.0.2.256 198.51.100.25 1 2\r\n",
                            "PROXY TCP4 192.0.2.07 198.51.100.25 1 2\r\n",
                            "PROXY TCP4 192.0.2.7 198.51.100.25 1 2\n",
                            "PROXY TCP4 192.0.2.7 198.51.100.25 1 2\r\r\n"}) {
    EXPECT_EQ(OutcomeOf(wrong), "malformed") << wrong;
  }
}

TEST(ProxyHeader, WhatStandsBehindIsLeft) {
  const std::string first = "PROXY TCP4 192.0.2.7 198.51.100.25 54321 25\r\n";
  EXPECT_EQ(Parse(first + "EHLO me\r\nPROXY TCP4").second, first.size());
  const std::string second = Version2(0x21, 0x11, kTcp4);
  EXPECT_EQ(Parse(second + second).second, second.size());
  const std::string local = Version2(0x20, 0, "");
  EXPECT_EQ(Parse(local + "QUIT\r\n").second, local.size());
}

TEST(ProxyHeader, WhatIsNoneIsKnownAtItsFirstWrongOctet) {
  EXPECT_EQ(Parse("EHLO me\r\n"), std::make_pair("malformed"s, size_t{1}));
  EXPECT_EQ(Parse("\x16\x03\x01"), std::make_pair("malformed"s, size_t{1}));
  EXPECT_EQ(Parse("PROXX"), std::make_pair("malformed"s, size_t{5}));
  EXPECT_EQ(Parse("\r\n\r\nx"), std::make_pair("malformed"s, size_t{5}));
  EXPECT_EQ(OutcomeOf(""), "more");
}

TEST(ProxyHeader, Version1LimitIs107Octets) {
  const auto unknown = [](size_t size) { return "PROXY UNKNOWN " + std::string(size - 16, 'x') + "\r\n"; };
  EXPECT_EQ(OutcomeOf(unknown(106)), "no address");
  EXPECT_EQ(OutcomeOf(unknown(107)), "no address");
  EXPECT_EQ(Parse(unknown(108)), std::make_pair("malformed"s, size_t{107}));
}

TEST(ProxyHeader, Version2) {
  EXPECT_EQ(OutcomeOf(Version2(0x21, 0x11, kTcp4)), "192.0.2.7:54321");
  EXPECT_EQ(OutcomeOf(Version2(0x21, 0x21, kTcp6)), "[2001:db8::7]:54321");
  // Another version, or command.
  for (const int command : {0x11, 0x31, 0x22, 0x2f, 0x01}) EXPECT_EQ(OutcomeOf(Version2(command, 0x11, kTcp4)), "malformed") << command;
  // Whose connection it is stays untold: UNSPEC, UDP, UNIX.
  for (const int protocol : {0x00, 0x12, 0x22, 0x31, 0x32, 0x01, 0x10}) {
    EXPECT_EQ(OutcomeOf(Version2(0x21, protocol, std::string(216, '\0'))), "no address") << protocol;
  }
  for (const int protocol : {0x41, 0x13, 0xff}) EXPECT_EQ(OutcomeOf(Version2(0x21, protocol, kTcp4)), "malformed") << protocol;
}

TEST(ProxyHeader, Version2AddressesMustFit) {
  EXPECT_EQ(OutcomeOf(Version2(0x21, 0x11, kTcp4.substr(0, 11))), "malformed");
  EXPECT_EQ(OutcomeOf(Version2(0x21, 0x11, "")), "malformed");
  EXPECT_EQ(OutcomeOf(Version2(0x21, 0x21, kTcp6.substr(0, 35))), "malformed");
  EXPECT_EQ(OutcomeOf(Version2(0x21, 0x21, kTcp4)), "malformed");
  EXPECT_EQ(OutcomeOf(Version2(0x21, 0x11, kTcp4, 13)), "more");
}

TEST(ProxyHeader, Version2ExtensionsAreSkippedWithinBounds) {
  const std::string empty("\x04\x00\x00", 3);
  const std::string name("\x02\x00\x09mail.test", 12);
  const std::string expected = "192.0.2.7:54321";
  for (const std::string& good : {empty, name, name + empty + name}) {
    EXPECT_EQ(OutcomeOf(Version2(0x21, 0x11, kTcp4 + good)), expected);
  }
  const std::vector<std::string> bad = {"\x04"s, "\x04\x00"s, "\x04\x00\x01"s, name.substr(0, 11), name + "x", "\x04\xff\xff"s};
  for (const std::string& tlv : bad) EXPECT_EQ(OutcomeOf(Version2(0x21, 0x11, kTcp4 + tlv)), "malformed") << tlv.size();
}

TEST(ProxyHeader, Version2LimitIs4096OctetsBehindItsBeginning) {
  const auto padded = [](size_t rest) {
    const size_t value = rest - kTcp4.size() - 3;
    return Version2(0x21, 0x11,
                    kTcp4 + '\x04' + static_cast<char>(value >> 8) + static_cast<char>(value & 0xff) + std::string(value, 'x'));
  };
  for (const size_t rest : {size_t{4095}, size_t{4096}}) {
    const std::string header = padded(rest);
    EXPECT_EQ(ParseInPieces(header, header.size(), 1), std::make_pair("192.0.2.7:54321"s, header.size()));
  }
  // Known as soon as the length is read.
  EXPECT_EQ(ParseInPieces(padded(4097), 5000, 1), std::make_pair("malformed"s, size_t{16}));
}

TEST(ProxyHeader, LocalHasNoAddresses) {
  EXPECT_EQ(OutcomeOf(Version2(0x20, 0x00, "")), "local");
  // "the receiver must ignore": also what is none.
  EXPECT_EQ(OutcomeOf(Version2(0x20, 0x11, kTcp4)), "local");
  EXPECT_EQ(OutcomeOf(Version2(0x20, 0xff, "xyz")), "local");
  EXPECT_EQ(OutcomeOf(Version2(0x20, 0x00, std::string(4097, 'x'))), "malformed");
}

// An address that gives rights where a socket has it gives none here: it cannot be told at all.
TEST(ProxyHeader, NoClientIsOnThisMachine) {
  for (const char* source : {"127.0.0.1", "127.255.0.9", "0.0.0.0", "224.0.0.1", "255.255.255.255"}) {
    EXPECT_EQ(OutcomeOf("PROXY TCP4 "s + source + " 198.51.100.25 1 2\r\n"), "bad source") << source;
  }
  for (const char* source : {"::1", "::", "ff02::1", "::ffff:127.0.0.1"}) {
    EXPECT_EQ(OutcomeOf("PROXY TCP6 "s + source + " 2001:db8::19 1 2\r\n"), "bad source") << source;
  }
  EXPECT_EQ(OutcomeOf(Version2(0x21, 0x11, "\x7f\x00\x00\x01\xc6\x33\x64\x19\xd4\x31\x00\x19"s)), "bad source");
  const std::string mapped = std::string(10, '\0') + "\xff\xff\x7f\x00\x00\x01"s;
  EXPECT_EQ(OutcomeOf(Version2(0x21, 0x21, mapped + kTcp6.substr(16))), "bad source");
  // What a client has connected to may be here.
  EXPECT_EQ(OutcomeOf("PROXY TCP4 192.0.2.7 127.0.0.1 1 2\r\n"), "192.0.2.7:1");
}

}  // namespace
}  // namespace mailmesh::net
