// The hierarchy of mailboxes: RFC 3501, 6.3.3 to 6.3.8.

#include <rocksdb/perf_context.h>

#include "absl/strings/str_cat.h"
#include "common/rpc/status.h"
#include "tests/unit/services/mailbox_store/store_fixture.h"

namespace mailmesh::mailbox_store {
namespace {

using namespace mailbox::v1;  // NOLINT: the contract under test
using testing::ElementsAre;

class MailboxesTest : public StoreFixture {
 protected:
  absl::Status Delete(const std::string& name) {
    DeleteMailboxRequest request;
    request.set_request_id(NewRequestId());
    request.set_account_id("ann");
    request.set_mailbox(name);
    return Wait(store(), &DeleteMailbox, request).status();
  }
  absl::Status Rename(const std::string& from, const std::string& to) {
    RenameMailboxRequest request;
    request.set_request_id(NewRequestId());
    request.set_account_id("ann");
    request.set_from(from);
    request.set_to(to);
    return Wait(store(), &RenameMailbox, request).status();
  }
  absl::Status Subscribe(const std::string& name, bool subscribed) {
    SetSubscriptionRequest request;
    request.set_request_id(NewRequestId());
    request.set_account_id("ann");
    request.set_mailbox(name);
    request.set_subscribed(subscribed);
    return Wait(store(), &SetSubscription, request).status();
  }
  bool Refused(const absl::Status& status, type::v1::ErrorReason reason) { return rpc::HasReason(status, reason); }
};

TEST_F(MailboxesTest, InboxIsAlwaysThere) { EXPECT_THAT(List("ann"), ElementsAre("INBOX")); }

TEST_F(MailboxesTest, CreateMakesParentsAndRefusesWhatIsThere) {
  ASSERT_TRUE(Create("ann", "a/b/c").ok());
  ASSERT_TRUE(Create("ann", "a-b").ok());
  EXPECT_THAT(List("ann"), ElementsAre("INBOX", "a +", "a/b +", "a/b/c", "a-b"));
  EXPECT_TRUE(Refused(Create("ann", "a/b"), type::v1::ERROR_REASON_ALREADY_EXISTS));
  EXPECT_TRUE(Refused(Create("ann", "INBOX"), type::v1::ERROR_REASON_ALREADY_EXISTS));
  EXPECT_TRUE(Refused(Create("ann", "inbox/x"), type::v1::ERROR_REASON_BAD_NAME));
  EXPECT_TRUE(Refused(Create("ann", "a//b"), type::v1::ERROR_REASON_BAD_NAME));
  EXPECT_TRUE(Refused(Create("ann", std::string("a\x01", 2)), type::v1::ERROR_REASON_BAD_NAME));
  Crash();
  EXPECT_THAT(List("ann"), ElementsAre("INBOX", "a +", "a/b +", "a/b/c", "a-b"));
}

TEST_F(MailboxesTest, DeleteLeavesNoSelectAboveChildren) {
  ASSERT_TRUE(Create("ann", "a/b").ok());
  const uint32_t validity = OpenBox("ann", "a").uid_validity();
  ASSERT_TRUE(Delete("a").ok());
  EXPECT_THAT(List("ann"), ElementsAre("INBOX", "a - +", "a/b"));
  EXPECT_TRUE(Refused(Delete("a"), type::v1::ERROR_REASON_NOT_ALLOWED));
  EXPECT_TRUE(Refused(Delete("INBOX"), type::v1::ERROR_REASON_NOT_ALLOWED));
  EXPECT_TRUE(Refused(Delete("zzz"), type::v1::ERROR_REASON_MAILBOX_NOT_FOUND));
  ASSERT_TRUE(Create("ann", "a").ok());
  EXPECT_GT(OpenBox("ann", "a").uid_validity(), validity);
  ASSERT_TRUE(Delete("a").ok());
  ASSERT_TRUE(Delete("a/b").ok());
  EXPECT_THAT(List("ann"), ElementsAre("INBOX"));  // the name that only held it goes with it
}

TEST_F(MailboxesTest, WhatWasInADeletedMailboxIsCollected) {
  ASSERT_TRUE(Create("ann", "old").ok());
  for (int i = 0; i < 300; ++i) ASSERT_TRUE(Append("ann", "old", Message("x")).ok());
  const std::string id = IdOf("ann", "old");
  ASSERT_TRUE(Delete("old").ok());
  ReadViewRequest request;
  request.set_account_id("ann");
  request.set_mailbox_id(id);
  EXPECT_TRUE(absl::IsNotFound(ReadView(store(), request).status()));
  CollectAll();
  EXPECT_EQ(CountKeys(ColumnId::kBlobs), 0u);
  EXPECT_EQ(CountKeys(ColumnId::kReferences), 0u);
  EXPECT_EQ(CountKeys(ColumnId::kSummaries), 0u);
  EXPECT_EQ(CountKeys(ColumnId::kChanges), 0u);
}

TEST_F(MailboxesTest, RenameTakesChildrenAlongAndKeepsIdentity) {
  ASSERT_TRUE(Create("ann", "a/b/c").ok());
  ASSERT_TRUE(Append("ann", "a/b", Message("x")).ok());
  const auto before = OpenBox("ann", "a/b");
  ASSERT_TRUE(Rename("a", "z/y").ok());
  EXPECT_THAT(List("ann"), ElementsAre("INBOX", "z +", "z/y +", "z/y/b +", "z/y/b/c"));
  const auto after = OpenBox("ann", "z/y/b");
  EXPECT_EQ(after.mailbox_id(), before.mailbox_id());
  EXPECT_EQ(after.uid_validity(), before.uid_validity());
  EXPECT_EQ(Content("ann", "z/y/b", 1), Message("x"));
  EXPECT_TRUE(Refused(Rename("z", "z/y/x"), type::v1::ERROR_REASON_NOT_ALLOWED));
  EXPECT_TRUE(Refused(Rename("z", "INBOX"), type::v1::ERROR_REASON_ALREADY_EXISTS));
  EXPECT_TRUE(Refused(Rename("nothing", "n"), type::v1::ERROR_REASON_MAILBOX_NOT_FOUND));
}

TEST_F(MailboxesTest, RenamingInboxMovesItsMessagesOnly) {
  ASSERT_TRUE(Create("ann", "INBOX/child").ok());
  Deliver("ann", Message("x"));
  const std::string id = IdOf("ann", "INBOX");
  ASSERT_TRUE(Rename("INBOX", "saved").ok());
  EXPECT_THAT(List("ann"), ElementsAre("INBOX +", "INBOX/child", "saved"));
  EXPECT_EQ(IdOf("ann", "INBOX"), id);
  EXPECT_EQ(Status("ann", "INBOX").messages(), 0u);
  EXPECT_EQ(Content("ann", "saved", 1), Message("x"));
  EXPECT_EQ(Deliver("ann", Message("y")), 2u);
}

TEST_F(MailboxesTest, SubscriptionsAreToNames) {
  ASSERT_TRUE(Subscribe("later", true).ok());
  ASSERT_TRUE(Create("ann", "a").ok());
  ASSERT_TRUE(Subscribe("a", true).ok());
  ASSERT_TRUE(Delete("a").ok());
  EXPECT_THAT(List("ann"), ElementsAre("INBOX"));
  ListMailboxesRequest request;
  request.set_account_id("ann");
  request.set_include_subscribed_names(true);
  auto response = ListMailboxes(store(), request);
  ASSERT_TRUE(response.ok());
  ASSERT_EQ(response->mailboxes_size(), 3);
  EXPECT_EQ(response->mailboxes(1).name(), "a");
  EXPECT_TRUE(response->mailboxes(1).subscribed());
  EXPECT_TRUE(response->mailboxes(1).mailbox_id().empty());
  ASSERT_TRUE(Subscribe("a", false).ok());
  ASSERT_TRUE(Subscribe("later", false).ok());
  response = ListMailboxes(store(), request);
  EXPECT_EQ(response->mailboxes_size(), 1);
}

// Names that are only subscribed to lie where mailboxes were deleted: in whatever order that goes on, they are not all read again.
TEST_F(MailboxesTest, DeletingBesideThousandsOfSubscriptionsReadsFewNames) {
  for (const char* name : {"up/m", "up/n", "down/m", "down/n"}) ASSERT_TRUE(Create("ann", name).ok());
  for (const char* name : {"up", "down"}) ASSERT_TRUE(Delete(name).ok());
  constexpr uint64_t kSubscriptions = 10'000;
  kv::Commit commit;
  storage::v1::MailboxNameRecord subscription;
  subscription.set_subscribed(true);
  for (uint64_t i = 0; i < kSubscriptions; ++i) {
    for (const char* name : {"up/a", "down/z"}) {
      commit.batch.Put(store().column(ColumnId::kNames), keys::Name((*store().FindAccount("ann"))->number(), absl::StrCat(name, i)),
                       subscription.SerializeAsString());
    }
  }
  ASSERT_TRUE(store().pipeline().Write(std::move(commit)).ok());
  auto octets_read = [&](const std::string& name) {
    rocksdb::SetPerfLevel(rocksdb::PerfLevel::kEnableCount);
    rocksdb::get_perf_context()->Reset();
    EXPECT_TRUE(Delete(name).ok());
    rocksdb::SetPerfLevel(rocksdb::PerfLevel::kDisable);
    return rocksdb::get_perf_context()->iter_read_bytes;
  };
  EXPECT_LT(octets_read("up/m"), kSubscriptions);    // its neighbour is above
  EXPECT_LT(octets_read("down/n"), kSubscriptions);  // and below
  EXPECT_THAT(List("ann"), ElementsAre("INBOX", "down - +", "down/m", "up - +", "up/n"));
  EXPECT_GT(octets_read("up/n"), kSubscriptions);  // nothing but subscriptions is left
  ASSERT_TRUE(Delete("down/m").ok());
  EXPECT_THAT(List("ann"), ElementsAre("INBOX"));
}

TEST_F(MailboxesTest, ListsArePaged) {
  for (int i = 0; i < 25; ++i) ASSERT_TRUE(Create("ann", absl::StrCat("m", i % 5, "/c", i)).ok());
  std::vector<std::string> names;
  ListMailboxesRequest request;
  request.set_account_id("ann");
  request.set_page_size(4);
  for (int pages = 0; pages < 20; ++pages) {
    const auto response = ListMailboxes(store(), request);
    ASSERT_TRUE(response.ok());
    ASSERT_LE(response->mailboxes_size(), 4);
    for (const Mailbox& mailbox : response->mailboxes()) {
      names.push_back(mailbox.name() + (mailbox.has_children() ? " +" : ""));
    }
    if (response->next_page_token().empty()) break;
    request.set_page_token(response->next_page_token());
  }
  EXPECT_EQ(names, List("ann"));
  EXPECT_EQ(names.size(), 31u);
}

TEST_F(MailboxesTest, TheNumberOfMailboxesIsLimited) {
  Close();
  options_.max_mailboxes = 4;
  Open();
  ASSERT_TRUE(Create("ann", "a/b").ok());
  ASSERT_TRUE(Create("ann", "c").ok());
  EXPECT_TRUE(Refused(Create("ann", "d"), type::v1::ERROR_REASON_LIMIT));
  ASSERT_TRUE(Delete("c").ok());
  EXPECT_TRUE(Refused(Create("ann", "d/e"), type::v1::ERROR_REASON_LIMIT));
  EXPECT_THAT(List("ann"), ElementsAre("INBOX", "a +", "a/b"));
  EXPECT_TRUE(Create("ann", "d").ok());
}

}  // namespace
}  // namespace mailmesh::mailbox_store
