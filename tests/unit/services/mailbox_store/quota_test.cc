// Quota by octets and messages (RFC 9208): limits at N-1, N, N+1, use that never drifts, no race.

#include <thread>

#include "common/rpc/status.h"
#include "services/mailbox_store/engine/quota.h"
#include "tests/unit/services/mailbox_store/store_fixture.h"

namespace mailmesh::mailbox_store {
namespace {

using namespace mailbox::v1;  // NOLINT: the contract under test

class QuotaTest : public StoreFixture {
 protected:
  AccountQuota Quota(const std::string& account = "ann") {
    GetQuotaRequest request;
    request.set_account_id(account);
    const auto response = GetQuota(store(), request);
    EXPECT_TRUE(response.ok()) << response.status();
    return response.ok() ? response->quota() : AccountQuota();
  }
  void Limit(const std::function<void(SetQuotaRequest&)>& fill, const std::string& account = "ann") {
    SetQuotaRequest request;
    request.set_account_id(account);
    fill(request);
    ASSERT_TRUE(Wait(store(), &SetQuota, request).ok());
  }
  void LimitMessages(uint64_t limit) {
    Limit([limit](SetQuotaRequest& request) { request.mutable_messages()->set_at_most(limit); });
  }
  void LimitOctets(uint64_t limit) {
    Limit([limit](SetQuotaRequest& request) { request.mutable_octets()->set_at_most(limit); });
  }
  static bool IsQuota(const absl::Status& status) {
    return status.code() == absl::StatusCode::kResourceExhausted && rpc::HasReason(status, type::v1::ERROR_REASON_QUOTA);
  }
  template <class Request, class Response>
  absl::StatusOr<Response> Transfer(void (*operation)(Store&, const Request&, Done<Response>), const std::string& from,
                                    const std::string& to) {
    Request request;
    request.set_request_id(NewRequestId());
    request.set_account_id("ann");
    request.set_mailbox_id(IdOf("ann", from));
    UidSet::All().ToProto(request.mutable_uids());
    request.set_to_mailbox(to);
    return Wait(store(), operation, request);
  }
  // What the messages themselves give.
  void ExpectUse(uint64_t messages, uint64_t octets) {
    const AccountQuota quota = Quota();
    EXPECT_EQ(quota.used_messages(), messages);
    EXPECT_EQ(quota.used_octets(), octets);
  }
};

TEST_F(QuotaTest, LimitsComeFromTheConfigurationOrTheAccount) {
  EXPECT_FALSE(Quota().has_limit_octets());
  EXPECT_FALSE(Quota().has_limit_messages());
  Close();
  options_.quota_octets = 5000;
  options_.quota_messages = 3;
  Open();
  EXPECT_EQ(Quota().limit_octets(), 5000u);
  EXPECT_EQ(Quota().limit_messages(), 3u);
  EXPECT_TRUE(Quota().octets_by_default());
  LimitOctets(100'000);
  Reopen();
  EXPECT_EQ(Quota().limit_octets(), 100'000u);
  EXPECT_FALSE(Quota().octets_by_default());
  EXPECT_TRUE(Quota().messages_by_default());
  Limit([](SetQuotaRequest& request) { request.mutable_messages()->set_unlimited(true); });
  EXPECT_FALSE(Quota().has_limit_messages());
  EXPECT_EQ(Quota().limit_octets(), 100'000u);  // what is not named stays
  Limit([](SetQuotaRequest& request) {
    request.mutable_octets()->set_by_default(true);
    request.mutable_messages()->set_by_default(true);
  });
  EXPECT_EQ(Quota().limit_octets(), 5000u);
  EXPECT_EQ(Quota().limit_messages(), 3u);
}

TEST_F(QuotaTest, TheLimitItselfIsReached) {
  const std::string message = Message("a");
  LimitMessages(2);
  LimitOctets(3 * message.size());
  EXPECT_TRUE(Append("ann", "INBOX", message).ok());
  EXPECT_TRUE(Append("ann", "INBOX", message).ok());
  EXPECT_TRUE(IsQuota(Append("ann", "INBOX", message).status()));  // the third message
  LimitMessages(10);
  EXPECT_TRUE(Append("ann", "INBOX", message).ok());               // to the last octet
  EXPECT_TRUE(IsQuota(Append("ann", "INBOX", "a").status()));      // one octet more
  ExpectUse(3, 3 * message.size());
  LimitOctets(1);  // below what is there: it stays
  EXPECT_EQ(Status("ann", "INBOX").messages(), 3u);
  EXPECT_TRUE(IsQuota(Append("ann", "INBOX", "a").status()));
  LimitOctets(0);
  EXPECT_TRUE(IsQuota(Append("ann", "INBOX", "a").status()));
}

TEST_F(QuotaTest, ADeliveryFailsForTheFullAccountOnly) {
  LimitMessages(1);
  Deliver("ann", Message("a"));
  const auto response = Wait(store(), &DeliverMessage, Delivery({"ann", "bob"}, Message("b")));
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->results(0).code(), static_cast<int>(absl::StatusCode::kResourceExhausted));
  EXPECT_EQ(response->results(0).reason(), "ERROR_REASON_QUOTA");
  EXPECT_EQ(response->results(1).code(), 0);
  ExpectUse(1, Message("a").size());
  EXPECT_EQ(Quota("bob").used_messages(), 1u);
}

TEST_F(QuotaTest, CopiesCountAndMovesDoNot) {
  ASSERT_TRUE(Create("ann", "box").ok());
  ASSERT_TRUE(Create("ann", "other").ok());
  Deliver("ann", Message("a"));
  Deliver("ann", Message("b"));
  const uint64_t size = Message("a").size();
  LimitMessages(3);
  EXPECT_TRUE(IsQuota(Transfer(&CopyMessages, "INBOX", "box").status()));  // all or none
  EXPECT_EQ(Status("ann", "box").messages(), 0u);
  LimitMessages(4);
  EXPECT_TRUE(Transfer(&CopyMessages, "INBOX", "box").ok());
  ExpectUse(4, 4 * size);
  LimitMessages(1);
  EXPECT_TRUE(Transfer(&MoveMessages, "box", "other").ok());  // no larger than before
  ExpectUse(4, 4 * size);
  RenameMailboxRequest rename;
  rename.set_request_id(NewRequestId());
  rename.set_account_id("ann");
  rename.set_from("INBOX");
  rename.set_to("saved");
  EXPECT_TRUE(Wait(store(), &RenameMailbox, rename).ok());
  ExpectUse(4, 4 * size);
}

TEST_F(QuotaTest, WhatGoesIsGivenBack) {
  const uint64_t size = Message("a").size();
  ASSERT_TRUE(Create("ann", "box").ok());
  ASSERT_TRUE(Append("ann", "box", Message("a")).ok());
  ASSERT_TRUE(Append("ann", "box", Message("b")).ok());
  Deliver("ann", Message("c"));
  ExpectUse(3, 3 * size);
  ASSERT_TRUE(Flag("ann", "box", UidSet::Single(1, 1), StoreFlagsRequest::MODE_ADD, kDeleted).ok());
  ASSERT_TRUE(Expunge("ann", "box").ok());
  ExpectUse(2, 2 * size);
  DeleteMailboxRequest request;
  request.set_request_id(NewRequestId());
  request.set_account_id("ann");
  request.set_mailbox("box");
  ASSERT_TRUE(Wait(store(), &DeleteMailbox, request).ok());
  ExpectUse(1, size);
  CollectAll();
  Crash();
  ExpectUse(1, size);
}

TEST_F(QuotaTest, ARepeatedRequestIsCountedOnce) {
  LimitMessages(1);
  const auto request = Delivery({"ann"}, Message("a"));
  for (int i = 0; i < 3; ++i) {
    const auto response = Wait(store(), &DeliverMessage, request);
    ASSERT_TRUE(response.ok());
    EXPECT_EQ(response->results(0).code(), 0);
  }
  ExpectUse(1, Message("a").size());
}

TEST_F(QuotaTest, ManyAtOncePassTheLimitByNothing) {
  LimitMessages(20);
  std::atomic<int> stored{0};
  std::atomic<int> refused{0};
  std::vector<DeliverMessageRequest> requests;
  for (int i = 0; i < 64; ++i) requests.push_back(Delivery({"ann"}, Message("m" + std::to_string(i))));
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (int i = t; i < 64; i += 8) {
        const auto response = Wait(store(), &DeliverMessage, requests[i]);
        ASSERT_TRUE(response.ok());
        ++(response->results(0).code() == 0 ? stored : refused);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(stored, 20);
  EXPECT_EQ(refused, 44);
  EXPECT_EQ(Quota().used_messages(), 20u);
  EXPECT_EQ(Status("ann", "INBOX").messages(), 20u);
}

TEST_F(QuotaTest, AreListedInPages) {
  for (const char* account : {"ann", "bob", "cid", "dan"}) Deliver(account, Message(account));
  DeleteAccountRequest gone;
  gone.set_request_id("d");
  gone.set_account_id("cid");
  ASSERT_TRUE(Wait(store(), &DeleteAccount, gone).ok());
  ListQuotasRequest request;
  request.set_page_size(2);
  std::vector<std::string> accounts;
  int pages = 0;
  do {
    const auto response = ListQuotas(store(), request);
    ASSERT_TRUE(response.ok()) << response.status();
    ++pages;
    for (const AccountQuota& quota : response->quotas()) {
      accounts.push_back(quota.account_id());
      EXPECT_EQ(quota.used_messages(), 1u);
    }
    request.set_page_token(response->next_page_token());
  } while (!request.page_token().empty());
  EXPECT_THAT(accounts, testing::ElementsAre("ann", "bob", "dan"));
  EXPECT_EQ(pages, 2);
}

}  // namespace
}  // namespace mailmesh::mailbox_store
