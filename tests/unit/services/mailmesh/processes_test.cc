#include "services/mailmesh/cli/processes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mailmesh::cli {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;

TEST(SingleEndpointsTest, AListHasItsMembers) {
  EXPECT_THAT(SingleEndpoints("unix:/run/a.sock"), ElementsAre("unix:/run/a.sock"));
  EXPECT_THAT(SingleEndpoints("unix:/run/a.sock,unix:/run/b.sock"), ElementsAre("unix:/run/a.sock", "unix:/run/b.sock"));
  EXPECT_THAT(SingleEndpoints("192.0.2.1:7000,192.0.2.2:7000"), ElementsAre("192.0.2.1:7000", "192.0.2.2:7000"));
  EXPECT_THAT(SingleEndpoints("[2001:db8::1]:7000"), ElementsAre("[2001:db8::1]:7000"));
}

TEST(SingleEndpointsTest, ANameHasItsAddresses) {
  EXPECT_THAT(SingleEndpoints("localhost:7000"), Contains("127.0.0.1:7000"));
  EXPECT_THAT(SingleEndpoints("dns:///localhost:7000"), Contains("127.0.0.1:7000"));
  // Its server is another than ours: one process, as far as can be told.
  EXPECT_THAT(SingleEndpoints("dns://192.0.2.53/replicas.test:7000"), ElementsAre("dns://192.0.2.53/replicas.test:7000"));
}

}  // namespace
}  // namespace mailmesh::cli
