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

std::vector<size_t> Rcpts(const std::vector<CopyRecipient>& recipients) {
  std::vector<size_t> indices;
  for (const CopyRecipient& recipient : recipients) indices.push_back(recipient.rcpt);
  return indices;
}

smtp::Mail From(const char* address) {
  smtp::Mail mail;
  mail.reverse_path.mailbox = smtp::ParseMailbox(address);
  return mail;
}

smtp::Rcpt To(const char* address, smtp::Notify notify = {}) {
  smtp::AddressOptions options;
  options.utf8 = true;
  smtp::Rcpt rcpt;
  rcpt.forward_path = *smtp::ParseMailbox(address, options);
  rcpt.notify = notify;
  return rcpt;
}

TEST(Envelope, OneAccountGetsOneCopyHoweverManyRecipientsLeadToIt) {
  Envelope envelope{smtp::Mail()};
  envelope.Add(smtp::Rcpt(), "one@a.test", Local({{"x", "0"}}));
  envelope.Add(smtp::Rcpt(), "alias@a.test", Local({{"x", "0"}, {"y", "1"}}));
  ASSERT_EQ(envelope.local().size(), 2u);
  ASSERT_EQ(envelope.local().at("0").size(), 1u);
  EXPECT_EQ(Rcpts(envelope.local().at("0")[0].recipients), (std::vector<size_t>{0, 1}));
  EXPECT_EQ(Rcpts(envelope.local().at("1")[0].recipients), (std::vector<size_t>{1}));
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
  EXPECT_EQ(Rcpts(envelope.relayed()[0].recipients), (std::vector<size_t>{0, 1}));
  EXPECT_TRUE(envelope.local().empty());
}

// RFC 3461, 5.2.1: what the sender asked for goes on with the recipient; 6.3 (d): no name is made up where it gave none.
TEST(Envelope, CarriesWhatTheSenderWantsToHear) {
  RecipientResolution remote;
  remote.set_kind(RecipientResolution::KIND_REMOTE);
  Envelope envelope{From("s@a.test")};
  smtp::Rcpt named = To("one@b.test", {.failure = true});
  named.orcpt = smtp::OriginalRecipient{"rfc822", "First@b.test"};
  envelope.Add(named, "one@b.test", remote);
  envelope.Add(To("two@b.test", {.never = true}), "two@b.test", remote);
  envelope.Add(To("gr\xc3\xbc@b.test"), "gr\xc3\xbc@b.test", remote);
  ASSERT_EQ(envelope.relayed().size(), 3u);
  EXPECT_EQ(envelope.relayed()[0].recipients[0].original, "rfc822;First@b.test");
  EXPECT_TRUE(envelope.relayed()[0].recipients[0].notify.failure);
  EXPECT_EQ(envelope.relayed()[1].recipients[0].original, "");
  EXPECT_TRUE(envelope.relayed()[1].recipients[0].notify.never);
  EXPECT_EQ(envelope.relayed()[2].recipients[0].original, "");
  EXPECT_FALSE(envelope.reports_local_success());
}

// RFC 3461, 5.2.7.3 (b) and (c).
TEST(Envelope, OneTargetOfAnAliasReportsSuccessAndAllKeepTheRest) {
  Envelope envelope{From("s@a.test")};
  envelope.Add(To("list@a.test", {.success = true, .failure = true}), "list@a.test", Local({{"x", "0"}, {"y", "0"}}));
  envelope.Add(To("quiet@a.test", {.never = true}), "quiet@a.test", Local({{"z", "0"}, {"w", "0"}}));
  const std::vector<LocalCopy>& copies = envelope.local().at("0");
  ASSERT_EQ(copies.size(), 4u);
  EXPECT_TRUE(copies[0].recipients[0].notify.success);
  EXPECT_FALSE(copies[1].recipients[0].notify.success);
  EXPECT_TRUE(copies[1].recipients[0].notify.failure);
  EXPECT_FALSE(copies[1].recipients[0].notify.delay);
  EXPECT_TRUE(copies[2].recipients[0].notify.never);
  EXPECT_TRUE(copies[3].recipients[0].notify.never);
  EXPECT_TRUE(envelope.reports_local_success());
}

TEST(Envelope, WhereNothingButSuccessWasAskedForTheOtherTargetsReportNothing) {
  Envelope envelope{From("s@a.test")};
  envelope.Add(To("list@a.test", {.success = true}), "list@a.test", Local({{"x", "0"}, {"y", "0"}}));
  const std::vector<LocalCopy>& copies = envelope.local().at("0");
  ASSERT_EQ(copies.size(), 2u);
  EXPECT_TRUE(copies[0].recipients[0].notify.success);
  EXPECT_FALSE(copies[0].recipients[0].notify.never);
  EXPECT_FALSE(copies[1].recipients[0].notify.success);
  EXPECT_TRUE(copies[1].recipients[0].notify.never);
}

// RFC 3461, 6.1: nobody to tell.
TEST(Envelope, ABounceReportsNothing) {
  Envelope envelope{smtp::Mail()};
  envelope.Add(To("x@a.test", {.success = true}), "x@a.test", Local({{"x", "0"}}));
  EXPECT_FALSE(envelope.reports_local_success());
}

}  // namespace
}  // namespace mailmesh::smtp_ingress
