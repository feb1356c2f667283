#include "common/service/peers.h"

#include <gmock/gmock.h>
#include <grpcpp/channel.h>
#include <gtest/gtest.h>

#include "common/rpc/metrics.h"
#include "common/telemetry/metrics.h"

namespace mailmesh::service {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

std::vector<std::string> Endpoints(Peers& peers) {
  std::vector<std::string> endpoints;
  for (const Peers::State& state : peers.States(absl::ZeroDuration())) endpoints.push_back(state.endpoint);
  return endpoints;
}

TEST(PeersTest, ChannelsOfTheConfigurationStayAndOthersAsLongAsSomebodyHasThem) {
  telemetry::Registry registry;
  rpc::Metrics metrics(registry);
  config::v1::CommonConfig config;
  (*config.mutable_peers())["directory"].set_endpoint("unix:/tmp/a.sock");
  Peers peers(config, metrics);
  const grpc::Channel* configured = peers.Channel("directory").value().get();
  EXPECT_EQ(peers.Channel("directory").value().get(), configured);
  {
    const auto one = peers.ChannelTo("mailbox_store", "unix:/tmp/b.sock").value();
    EXPECT_EQ(peers.ChannelTo("mailbox_store", "unix:/tmp/b.sock").value(), one);
    EXPECT_THAT(Endpoints(peers), UnorderedElementsAre("unix:/tmp/a.sock", "unix:/tmp/b.sock"));
  }
  EXPECT_THAT(Endpoints(peers), ElementsAre("unix:/tmp/a.sock"));
  EXPECT_EQ(peers.Channel("directory").value().get(), configured);
  EXPECT_NE(peers.ChannelTo("mailbox_store", "unix:/tmp/b.sock").value(), nullptr);
}

}  // namespace
}  // namespace mailmesh::service
