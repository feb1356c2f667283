#include "services/outbound_relay/queue_change.h"

#include <gtest/gtest.h>

namespace mailmesh::outbound_relay {
namespace {

constexpr int64_t kNow = 1'700'000'000'000;

class SelectionTest : public testing::Test {
 protected:
  SelectionTest() {
    item_.set_reverse_path("anna@a.test");
    item_.set_queued_ms(kNow - 3'600'000);
    item_.add_recipients()->set_forward_path("bert@B.test");
    item_.add_recipients()->set_forward_path("cleo@c.test");
  }
  bool IsMatch() const { return Matches(selection_, "id-1", item_, kNow); }

  Item item_;
  relay::v1::QueueSelection selection_;
};

TEST_F(SelectionTest, NothingIsNotEverything) {
  EXPECT_TRUE(absl::IsInvalidArgument(CheckSelection(selection_)));
  selection_.set_all(true);
  EXPECT_TRUE(CheckSelection(selection_).ok());
  EXPECT_TRUE(IsMatch());
}

TEST_F(SelectionTest, Ids) {
  selection_.add_queue_ids("id-2");
  EXPECT_TRUE(CheckSelection(selection_).ok());
  EXPECT_FALSE(IsMatch());
  selection_.add_queue_ids("id-1");
  EXPECT_TRUE(IsMatch());
  for (int i = 0; i < 998; ++i) selection_.add_queue_ids("x");
  EXPECT_TRUE(CheckSelection(selection_).ok());
  selection_.add_queue_ids("x");
  EXPECT_FALSE(CheckSelection(selection_).ok());
}

TEST_F(SelectionTest, AnyRecipientsDomain) {
  selection_.set_domain("b.TEST");
  EXPECT_TRUE(IsMatch());
  selection_.set_domain("test");
  EXPECT_FALSE(IsMatch());
}

TEST_F(SelectionTest, SenderByAddressByDomainOrNone) {
  selection_.set_sender("Anna@a.test");
  EXPECT_TRUE(IsMatch());
  selection_.set_sender("A.test");
  EXPECT_TRUE(IsMatch());
  selection_.set_sender("nna@a.test");
  EXPECT_FALSE(IsMatch());
  selection_.set_sender("<>");
  EXPECT_FALSE(IsMatch());
  item_.clear_reverse_path();
  EXPECT_TRUE(IsMatch());
  selection_.set_sender("a.test");
  EXPECT_FALSE(IsMatch());
}

TEST_F(SelectionTest, Age) {
  selection_.set_older_than_seconds(3600);
  EXPECT_TRUE(IsMatch());
  selection_.set_older_than_seconds(3601);
  EXPECT_FALSE(IsMatch());
}

TEST_F(SelectionTest, WhatIsOfTheFutureIsSelectedAllTheSame) {
  item_.set_queued_ms(item_.queued_ms() + 7'200'000);
  EXPECT_TRUE(IsMatch());
  selection_.set_older_than_seconds(1);
  EXPECT_FALSE(IsMatch());
}

}  // namespace
}  // namespace mailmesh::outbound_relay
