#include "services/smtp_ingress/envelope.h"

#include <gtest/gtest.h>

namespace mailmesh::smtp_ingress {
namespace {

using directory::v1::RecipientResolution;

RecipientResolution Local(std::initializer_list<std::pair<const char*, const char*>> targets) {
  RecipientResolution resolution;
  resolution.set_kind(RecipientResolution::KIND_DELIVER);
  for (const auto& [account, shard] : targets) {
    auto* target = resolution.add_targets();
    target->set_account_id(account);
    target->set_shard(shard);
    target->set_address(std::string(account) + "@a.test");
  }
  return resolution;
}

TEST(Envelope, OneAccountGetsOneCopyHoweverManyRecipientsLeadToIt) {
  Envelope envelope{smtp::Mail()};
  envelope.Add(smtp::Rcpt(), "one@a.test", Local({{"x", "0"}}));
  envelope.Add(smtp::Rcpt(), "alias@a.test", Local({{"x", "0"}, {"y", "1"}}));
  ASSERT_EQ(envelope.local().size(), 2u);
  ASSERT_EQ(envelope.local().at("0").size(), 1u);
  EXPECT_EQ(envelope.local().at("0")[0].recipients, (std::vector<size_t>{0, 1}));
  EXPECT_EQ(envelope.local().at("1")[0].recipients, (std::vector<size_t>{1}));
  EXPECT_EQ(envelope.recipient_count(), 2u);
  EXPECT_EQ(envelope.first_recipient(), "one@a.test");
}

TEST(Envelope, RemoteTargetsGoToTheRelayOnce) {
  RecipientResolution remote;
  remote.set_kind(RecipientResolution::KIND_REMOTE);
  RecipientResolution alias;
  alias.set_kind(RecipientResolution::KIND_DELIVER);
  alias.add_targets()->set_address("far@b.test");
  Envelope envelope{smtp::Mail()};
  envelope.Add(smtp::Rcpt(), "far@b.test", remote);
  envelope.Add(smtp::Rcpt(), "list@a.test", alias);
  ASSERT_EQ(envelope.relayed().size(), 1u);
  EXPECT_EQ(envelope.relayed()[0].recipients, (std::vector<size_t>{0, 1}));
  EXPECT_TRUE(envelope.local().empty());
}

}  // namespace
}  // namespace mailmesh::smtp_ingress
