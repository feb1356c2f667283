#include "common/net/address.h"

#include <gtest/gtest.h>

#include "common/net/cidr.h"
#include "common/net/client_prefix.h"
#include "common/net/endpoint.h"

namespace mailmesh::net {
namespace {

IpAddress Ip(std::string_view text) { return IpAddress::Parse(text).value(); }

TEST(IpAddressTest, ParsesAndPrints) {
  EXPECT_EQ(Ip("192.0.2.1").ToString(), "192.0.2.1");
  EXPECT_EQ(Ip("2001:DB8:0:0:0:0:0:1").ToString(), "2001:db8::1");
  EXPECT_EQ(Ip("2001:db8::1").ToAddressLiteral(), "[IPv6:2001:db8::1]");
  EXPECT_EQ(Ip("192.0.2.1").ToAddressLiteral(), "[192.0.2.1]");
  EXPECT_EQ(Ip("192.0.2.1").ToReverseName(), "1.2.0.192.in-addr.arpa");
  EXPECT_EQ(Ip("2001:db8::1").ToReverseName(),
            "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa");
}

TEST(IpAddressTest, RefusesWhatIsNone) {
  using namespace std::literals;
  for (std::string_view text : {""sv, "1.2.3"sv, "1.2.3.4.5"sv, "01.2.3.4 "sv, "::g"sv, "[::1]"sv, "fe80::1%eth0"sv,
                                "1.2.3.4\0"sv, "1.2.3.256"sv, "localhost"sv}) {
    EXPECT_FALSE(IpAddress::Parse(text).ok()) << text;
  }
}

TEST(IpAddressTest, MappedAddressIsIpv4) {
  EXPECT_TRUE(Ip("::ffff:127.0.0.1").is_v4());
  EXPECT_EQ(Ip("::ffff:127.0.0.1"), Ip("127.0.0.1"));
  EXPECT_TRUE(Ip("::ffff:127.0.0.1").is_loopback());
}

TEST(IpAddressTest, Loopback) {
  EXPECT_TRUE(Ip("127.255.0.9").is_loopback());
  EXPECT_TRUE(Ip("::1").is_loopback());
  EXPECT_FALSE(Ip("128.0.0.1").is_loopback());
  EXPECT_FALSE(Ip("::").is_loopback());
  EXPECT_TRUE(Ip("::").is_unspecified());
  EXPECT_TRUE(Ip("0.0.0.0").is_unspecified());
}

TEST(SocketAddressTest, NativeAndBack) {
  for (const char* text : {"192.0.2.7", "2001:db8::7"}) {
    SocketAddress address(Ip(text), 2525);
    sockaddr_storage storage;
    socklen_t size = address.ToNative(&storage);
    EXPECT_EQ(SocketAddress::FromNative(reinterpret_cast<sockaddr*>(&storage), size), address);
  }
  EXPECT_EQ(SocketAddress(Ip("::1"), 25).ToString(), "[::1]:25");
  EXPECT_EQ(SocketAddress::Unix("/x").ToString(), "unix:/x");
  EXPECT_TRUE(SocketAddress::Unix("").is_local());
}

TEST(CidrTest, Contains) {
  Cidr ten = Cidr::Parse("10.0.0.0/8").value();
  EXPECT_TRUE(ten.Contains(Ip("10.255.1.2")));
  EXPECT_TRUE(ten.Contains(Ip("::ffff:10.1.2.3")));
  EXPECT_FALSE(ten.Contains(Ip("11.0.0.0")));
  EXPECT_FALSE(ten.Contains(Ip("::10")));
  Cidr odd = Cidr::Parse("2001:db8:8000::/33").value();
  EXPECT_TRUE(odd.Contains(Ip("2001:db8:ffff::1")));
  EXPECT_FALSE(odd.Contains(Ip("2001:db8:7fff::1")));
  EXPECT_TRUE(Cidr::Parse("0.0.0.0/0").value().Contains(Ip("8.8.8.8")));
  EXPECT_FALSE(Cidr::Parse("0.0.0.0/0").value().Contains(Ip("::2")));
  EXPECT_TRUE(Cidr::Parse("::1").value().Contains(Ip("::1")));
  EXPECT_TRUE(Cidr::Parse("::ffff:10.0.0.0/104").value().Contains(Ip("10.9.9.9")));
}

TEST(CidrTest, RefusesMistakes) {
  for (const char* text : {"10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/+8", "10.0.0.0/ 8", "10/8", "::/129",
                           "10.0.0.0/8/8", "10.0.0.0/-1"}) {
    EXPECT_FALSE(Cidr::Parse(text).ok()) << text;
  }
}

TEST(CidrSetTest, UnixIsInNoRange) {
  CidrSet loopback = CidrSet::Loopback();
  EXPECT_TRUE(loopback.Contains(SocketAddress(Ip("127.0.0.5"), 1)));
  EXPECT_FALSE(loopback.Contains(SocketAddress::Unix("/x")));
  EXPECT_FALSE(CidrSet().Contains(Ip("127.0.0.1")));
}

TEST(EndpointTest, RoundTrip) {
  for (const char* text : {"127.0.0.1:0", "[::1]:143", "mail.example.com:25", "unix:/run/x.sock", "unix:rel"}) {
    absl::StatusOr<Endpoint> endpoint = Endpoint::Parse(text);
    ASSERT_TRUE(endpoint.ok()) << endpoint.status();
    EXPECT_EQ(endpoint->ToString(), text);
  }
  EXPECT_EQ(Endpoint::Parse("[::]:25")->ip(), Ip("::"));
  EXPECT_FALSE(Endpoint::Parse("example.com:25")->ip().has_value());
}

TEST(EndpointTest, RefusesMistakes) {
  for (const char* text : {"", "localhost", ":25", "::1:25", "[::1]", "[::1:25", "[name]:25", "h:65536", "h:-1",
                           "h:+1", "h: 1", "h:1x", "h:", "unix:", "a b:1", "a/b:1"}) {
    EXPECT_FALSE(Endpoint::Parse(text).ok()) << text;
  }
}

TEST(IpAddressTest, AClientIsItsAddressOrItsNetwork) {
  EXPECT_EQ(ClientPrefix(*IpAddress::Parse("192.0.2.1")).ToString(), "192.0.2.1");
  EXPECT_EQ(ClientPrefix(*IpAddress::Parse("2001:db8:1:2:3:4:5:6")).ToString(), "2001:db8:1:2::");
}

}  // namespace
}  // namespace mailmesh::net
