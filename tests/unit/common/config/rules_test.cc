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
