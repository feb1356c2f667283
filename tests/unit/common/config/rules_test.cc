#include <gtest/gtest.h>

#include "common/config/shapes.h"
#include "common/config/suggest.h"

namespace mailmesh::config {
namespace {

TEST(ShapesTest, Endpoints) {
  for (const char* good : {"localhost:0", "127.0.0.1:65535", "[::]:25", "[2001:db8::1]:443", "unix:/run/x",
                           "unix:relative", "directory.mesh.svc:80", "my_host:1"}) {
    EXPECT_TRUE(HasShape(v1::FieldRules::FORMAT_ENDPOINT, good)) << good;
  }
  for (const char* bad : {"", ":25", "localhost", "localhost:", "localhost:65536", "localhost:+1", "::1:25", "[::1]",
                          "[::g]:1", "unix:", "a b:1", "-a:1", "a..b:1"}) {
    EXPECT_FALSE(HasShape(v1::FieldRules::FORMAT_ENDPOINT, bad)) << bad;
  }
}

TEST(ShapesTest, AddressBlocks) {
  for (const char* good : {"192.0.2.0/24", "0.0.0.0/0", "192.0.2.1", "::/0", "2001:db8::/128"}) {
    EXPECT_TRUE(HasShape(v1::FieldRules::FORMAT_CIDR, good)) << good;
  }
  for (const char* bad : {"", "192.0.2.0/33", "192.0.2/24", "::/129", "::/", "host/8", "192.0.2.0/-1"}) {
    EXPECT_FALSE(HasShape(v1::FieldRules::FORMAT_CIDR, bad)) << bad;
  }
}

TEST(ShapesTest, HostNames) {
  EXPECT_TRUE(HasShape(v1::FieldRules::FORMAT_HOST_NAME, "mail.example.org."));
  EXPECT_FALSE(HasShape(v1::FieldRules::FORMAT_HOST_NAME, std::string(64, 'a')));
  EXPECT_TRUE(HasShape(v1::FieldRules::FORMAT_HOST_NAME, std::string(63, 'a')));
  EXPECT_FALSE(HasShape(v1::FieldRules::FORMAT_HOST_NAME, "gr\xc3\xbc.example"));
}

TEST(ShapesTest, TlsCipherLists) {
  for (const char* good : {"ECDHE+AESGCM", "ECDHE+AESGCM:ECDHE+CHACHA20", "ECDHE-RSA-AES128-GCM-SHA256", "HIGH:!aNULL:!MD5",
                           "ECDHE+AESGCM:@STRENGTH", "DEFAULT:-SHA1"}) {
    EXPECT_TRUE(HasShape(v1::FieldRules::FORMAT_TLS_CIPHER_LIST, good)) << good;
  }
  for (const char* bad : {":", "NOSUCH", "ECDHE+AESGCM:NOSUCH", "ECDHE+AESGCM:!NOSUCH", "ALL:aNULL:@SECLEVEL=0", "eNULL:@SECLEVEL=0",
                          "TLS_AES_128_GCM_SHA256", "ECDHE+AESGCM:@NOSUCH", "!ALL"}) {
    EXPECT_FALSE(HasShape(v1::FieldRules::FORMAT_TLS_CIPHER_LIST, bad)) << bad;
  }
}

TEST(ShapesTest, TlsCipherSuites) {
  EXPECT_TRUE(HasShape(v1::FieldRules::FORMAT_TLS_CIPHER_SUITES, "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"));
  for (const char* bad : {"TLS_NOSUCH", "ECDHE+AESGCM", "TLS_AES_256_GCM_SHA384:TLS_NOSUCH"}) {
    EXPECT_FALSE(HasShape(v1::FieldRules::FORMAT_TLS_CIPHER_SUITES, bad)) << bad;
  }
}

TEST(NearestTest, FindsTheMisspeltAndNothingElse) {
  const std::vector<std::string> known = {"max_sessions", "listen", "level"};
  EXPECT_EQ(Nearest("max_session", known), "max_sessions");
  EXPECT_EQ(Nearest("maxSessions", known), "max_sessions");
  EXPECT_EQ(Nearest("Listen", known), "listen");
  EXPECT_EQ(Nearest("leven", known), "level");
  EXPECT_EQ(Nearest("password", known), "");
  EXPECT_EQ(Nearest(std::string(100'000, 'x'), known), "");
}

}  // namespace
}  // namespace mailmesh::config
