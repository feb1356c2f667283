#include "services/outbound_relay/destination.h"

#include <gtest/gtest.h>

#include "common/base/random.h"

namespace mailmesh::outbound_relay {
namespace {

Recipient* Add(Item& item, const std::string& path) {
  Recipient* recipient = item.add_recipients();
  recipient->set_forward_path(path);
  recipient->set_state(Recipient::STATE_QUEUED);
  return recipient;
}

TEST(Destination, IsTheDomainOfTheRecipientsThatWait) {
  Item item;
  Add(item, "a@B.Test");
  EXPECT_EQ(DestinationOf(item), "b.test");
  Add(item, "\"x@y\"@b.test");
  EXPECT_EQ(DestinationOf(item), "b.test");
  Recipient* other = Add(item, "c@c.test");
  EXPECT_EQ(DestinationOf(item), kManyDestinations);
  other->set_state(Recipient::STATE_DELIVERED);
  EXPECT_EQ(DestinationOf(item), "b.test");
}

TEST(Destination, AShardIsOneOfItsOwnAndARerouteTakesTheRest) {
  Item item;
  Add(item, "a@b.test")->set_local_shard("0");
  EXPECT_EQ(DestinationOf(item), "local 0");
  item.set_reroute_next_hop("mail.example:25");
  EXPECT_EQ(DestinationOf(item), "local 0");
  Add(item, "c@c.test");
  EXPECT_EQ(DestinationOf(item), kManyDestinations);
  EXPECT_EQ(DestinationOf(item, item.recipients(1)), "mail.example:25");
}

TEST(Destination, AHeldMessageStandsElsewhere) {
  Item item;
  item.set_destination("b.test");
  item.set_next_attempt_ms(5);
  EXPECT_EQ(PlaceOf(item), (Place{"b.test", 5}));
  item.set_held(true);
  EXPECT_EQ(PlaceOf(item).destination, kHeld);
}

TEST(Destination, IdsOfATimeSortBehindItsFirst) {
  class Fixed final : public base::Clock {
   public:
    absl::Time Now() const override { return absl::FromUnixMillis(1'700'000'000'123); }
    std::chrono::steady_clock::time_point Monotonic() const override { return {}; }
  };
  const QueueId id = base::NewIdText(Fixed());
  EXPECT_LE(FirstIdAt(1'700'000'000'123), id);
  EXPECT_LT(id, FirstIdAt(1'700'000'000'124));
  EXPECT_EQ(FirstIdAt(0).size(), id.size());
}

}  // namespace
}  // namespace mailmesh::outbound_relay
