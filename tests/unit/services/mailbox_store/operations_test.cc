// Every operation does what it says, answers a repeated request as before, and is there after a restart and after a crash.

#include <limits>

#include "absl/strings/str_cat.h"
#include "common/rpc/status.h"
#include "tests/unit/services/mailbox_store/store_fixture.h"

namespace mailmesh::mailbox_store {
namespace {

using namespace mailbox::v1;  // NOLINT: the contract under test
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

class OperationsTest : public StoreFixture {};

TEST_F(OperationsTest, ADeliveryIsThereForEachRecipientAndItsContentOnce) {
  const auto request = Delivery({"ann", "bob"}, Message("one"));
  const auto response = Wait(store(), &DeliverMessage, request);
  ASSERT_TRUE(response.ok()) << response.status();
  for (const DeliveryResult& result : response->results()) {
    EXPECT_EQ(result.code(), 0);
    EXPECT_EQ(result.uid(), 1u);
    EXPECT_FALSE(result.message_id().empty());
  }
  EXPECT_EQ(CountKeys(ColumnId::kBlobs), 1u);
  const auto again = Wait(store(), &DeliverMessage, request);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->SerializeAsString(), response->SerializeAsString());
  Crash();
  for (const char* account : {"ann", "bob"}) {
    EXPECT_THAT(View(account, "INBOX"), ElementsAre(Pair(1, 0)));
    EXPECT_EQ(Content(account, "INBOX", 1), Message("one"));
  }
  const auto after_crash = Wait(store(), &DeliverMessage, request);
  ASSERT_TRUE(after_crash.ok());
  EXPECT_EQ(after_crash->SerializeAsString(), response->SerializeAsString());
}

TEST_F(OperationsTest, ARepeatForFewerRecipientsDoublesNothing) {
  auto request = Delivery({"ann", "bob"}, Message("one"));
  ASSERT_TRUE(Wait(store(), &DeliverMessage, request).ok());
  request.mutable_recipients()->DeleteSubrange(0, 1);
  const auto again = Wait(store(), &DeliverMessage, request);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->results(0).uid(), 1u);
  EXPECT_EQ(Status("bob", "INBOX").messages(), 1u);
}

TEST_F(OperationsTest, TwoAddressesOfOneAccountGetOneCopy) {
  const auto response = Wait(store(), &DeliverMessage, Delivery({"ann", "ann"}, Message("one")));
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(response->results(0).uid(), response->results(1).uid());
  EXPECT_EQ(Status("ann", "INBOX").messages(), 1u);
}

TEST_F(OperationsTest, ABadRecipientFailsAlone) {
  auto request = Delivery({"ann", "bob"}, Message("one"));
  request.mutable_recipients(1)->set_mailbox("a//b");
  const auto response = Wait(store(), &DeliverMessage, request);
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(response->results(0).code(), 0);
  EXPECT_EQ(response->results(1).reason(), "ERROR_REASON_BAD_NAME");
  EXPECT_EQ(Status("bob", "INBOX").messages(), 0u);
}

TEST_F(OperationsTest, DeliveryMakesTheMailboxItNames) {
  auto request = Delivery({"ann"}, Message("one"));
  request.mutable_recipients(0)->set_mailbox("Lists/announce");
  ASSERT_TRUE(Wait(store(), &DeliverMessage, request).ok());
  EXPECT_THAT(List("ann"), ElementsAre("INBOX", "Lists +", "Lists/announce"));
}

TEST_F(OperationsTest, TraceFieldsStandOnTop) {
  auto request = Delivery({"ann"}, Message("one"));
  request.mutable_body()->set_trace_fields("Return-Path: <x@y>\r\nReceived: here\r\n");
  ASSERT_TRUE(Wait(store(), &DeliverMessage, request).ok());
  EXPECT_EQ(Content("ann", "INBOX", 1), request.body().trace_fields() + Message("one"));
}

TEST_F(OperationsTest, AppendKeepsFlagsKeywordsAndDate) {
  AppendMessagesRequest request;
  request.set_request_id("a1");
  request.set_account_id("ann");
  request.set_mailbox("INBOX");
  for (int i = 0; i < 2; ++i) {
    NewMessage* message = request.add_messages();
    message->mutable_body()->set_inline_octets(Message(absl::StrCat("m", i)));
    message->mutable_flags()->set_system_flags(kSeen | kFlagged);
    message->mutable_flags()->add_keywords(i == 0 ? "$Work" : "$work");
    message->mutable_internal_date()->set_seconds(1'000'000);
    message->set_internal_date_zone_minutes(-60);
  }
  const auto response = Wait(store(), &AppendMessages, request);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_THAT(response->uids(), ElementsAre(1, 2));
  const auto again = Wait(store(), &AppendMessages, request);
  ASSERT_TRUE(again.ok());
  EXPECT_THAT(again->uids(), ElementsAre(1, 2));
  Reopen();
  const auto open = OpenBox("ann", "INBOX");
  EXPECT_THAT(open.keywords(), ElementsAre("$Work"));
  EXPECT_EQ(open.messages(), 2u);
  const Flags flags = kSeen | kFlagged | (Flags{1} << 16);
  EXPECT_THAT(View("ann", "INBOX"), ElementsAre(Pair(1, flags), Pair(2, flags)));
  const auto summaries = Summaries("ann", "INBOX");
  ASSERT_EQ(summaries.size(), 2u);
  EXPECT_EQ(summaries[0].internal_date_seconds(), 1'000'000);
  EXPECT_EQ(summaries[0].internal_date_zone_minutes(), -60);
  EXPECT_EQ(summaries[0].size_bytes(), Message("m0").size());
  EXPECT_THAT(summaries[0].envelope(), HasSubstr("\"m0\""));
  EXPECT_THAT(summaries[0].body_structure(), HasSubstr("\"text\" \"plain\""));
  EXPECT_EQ(summaries[1].message_id(), "<m1@example.org>");
}

TEST_F(OperationsTest, AppendTakesZonesOfADay) {
  AppendMessagesRequest request;
  request.set_account_id("ann");
  request.set_mailbox("INBOX");
  NewMessage* message = request.add_messages();
  message->mutable_body()->set_inline_octets(Message("x"));
  constexpr std::pair<int32_t, bool> kZones[] = {
      {-1440, true}, {1440, true}, {-1441, false}, {1441, false}, {std::numeric_limits<int32_t>::min(), false}};
  for (const auto& [zone, taken] : kZones) {
    request.set_request_id(absl::StrCat("zone", zone));
    message->set_internal_date_zone_minutes(zone);
    EXPECT_EQ(Wait(store(), &AppendMessages, request).ok(), taken) << zone;
  }
}

TEST_F(OperationsTest, AppendToWhatIsNotThereSaysSo) {
  const auto response = Append("ann", "Nowhere", Message("x"));
  EXPECT_TRUE(rpc::HasReason(response.status(), type::v1::ERROR_REASON_MAILBOX_NOT_FOUND)) << response.status();
}

TEST_F(OperationsTest, KeywordsEndAtTheLimit) {
  std::vector<std::string> keywords;
  for (int i = 0; i < kMaxKeywords; ++i) keywords.push_back(absl::StrCat("k", i));
  ASSERT_TRUE(Append("ann", "INBOX", Message("x"), 0, keywords).ok());
  EXPECT_EQ(View("ann", "INBOX")[1] >> 16, (Flags{1} << 48) - 1);
  const auto one_more = Append("ann", "INBOX", Message("y"), 0, {"one_more"});
  EXPECT_TRUE(rpc::HasReason(one_more.status(), type::v1::ERROR_REASON_LIMIT));
  EXPECT_TRUE(Append("ann", "INBOX", Message("y"), 0, {"K7"}).ok());
}

TEST_F(OperationsTest, StoreFlagsChangesCountersAndKeepsConditions) {
  for (int i = 0; i < 3; ++i) Deliver("ann", Message(absl::StrCat("m", i)));
  EXPECT_EQ(Status("ann", "INBOX").unseen(), 3u);
  const auto first = Flag("ann", "INBOX", UidSet::Single(1, 2), StoreFlagsRequest::MODE_ADD, kSeen);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(Status("ann", "INBOX").unseen(), 1u);
  EXPECT_EQ(Status("ann", "INBOX").highest_modseq(), first->modseq());

  StoreFlagsRequest request;
  request.set_request_id("conditional");
  request.set_account_id("ann");
  request.set_mailbox_id(IdOf("ann", "INBOX"));
  UidSet::Single(1, 9).ToProto(request.mutable_uids());
  request.set_mode(StoreFlagsRequest::MODE_REPLACE);
  request.mutable_flags()->set_system_flags(kDeleted);
  request.set_unchanged_since(first->modseq() - 1);
  const auto second = Wait(store(), &StoreFlags, request);
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(UidSet::FromProto(second->modified()).value(), UidSet::Single(1, 2));
  EXPECT_TRUE(second->missing().first().empty());  // 4 and above were never given
  EXPECT_THAT(View("ann", "INBOX"), ElementsAre(Pair(1, kSeen), Pair(2, kSeen), Pair(3, kDeleted)));
  EXPECT_EQ(Status("ann", "INBOX").deleted(), 1u);
  const auto again = Wait(store(), &StoreFlags, request);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->SerializeAsString(), second->SerializeAsString());
  Crash();
  EXPECT_THAT(View("ann", "INBOX"), ElementsAre(Pair(1, kSeen), Pair(2, kSeen), Pair(3, kDeleted)));
}

TEST_F(OperationsTest, ExpungeRemovesAndUidsAreNotUsedAgain) {
  for (int i = 0; i < 4; ++i) Deliver("ann", Message(absl::StrCat("m", i)));
  UidSet odd;
  odd.Append(1);
  odd.Append(4);
  ASSERT_TRUE(Flag("ann", "INBOX", odd, StoreFlagsRequest::MODE_ADD, kDeleted).ok());
  const auto response = Expunge("ann", "INBOX");
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(UidSet::FromProto(response->expunged()).value(), odd);
  EXPECT_THAT(View("ann", "INBOX"), ElementsAre(Pair(2, 0), Pair(3, 0)));
  Crash();
  EXPECT_EQ(Deliver("ann", Message("m5")), 5u);
  const auto status = Status("ann", "INBOX");
  EXPECT_EQ(status.messages(), 3u);
  EXPECT_EQ(status.unseen(), 3u);
  EXPECT_EQ(status.deleted(), 0u);
  EXPECT_EQ(status.size_bytes(), 3 * Message("m5").size());
  CollectAll();
  EXPECT_EQ(CountKeys(ColumnId::kBlobs), 3u);
  EXPECT_EQ(CountKeys(ColumnId::kReferences), 6u);
  EXPECT_EQ(CountKeys(ColumnId::kGarbage), 0u);
  EXPECT_EQ(Content("ann", "INBOX", 3), Message("m2"));
}

TEST_F(OperationsTest, StoreAndExpungeOverManyPages) {
  AppendMessagesRequest request;
  request.set_account_id("ann");
  request.set_mailbox("INBOX");
  for (int i = 0; i < 700; ++i) request.add_messages()->mutable_body()->set_inline_octets(Message(absl::StrCat("m", i)));
  request.set_request_id("many");
  ASSERT_TRUE(Wait(store(), &AppendMessages, request).ok());
  ASSERT_TRUE(Flag("ann", "INBOX", UidSet::All(), StoreFlagsRequest::MODE_ADD, kSeen).ok());
  ASSERT_TRUE(Flag("ann", "INBOX", UidSet::Single(200, 600), StoreFlagsRequest::MODE_ADD, kDeleted).ok());
  const auto status = Status("ann", "INBOX");
  EXPECT_EQ(status.unseen(), 0u);
  EXPECT_EQ(status.deleted(), 401u);
  ASSERT_TRUE(Expunge("ann", "INBOX").ok());
  EXPECT_EQ(View("ann", "INBOX").size(), 299u);
  EXPECT_EQ(Summaries("ann", "INBOX").size(), 299u);
  CollectAll();
  Reopen();
  EXPECT_EQ(CountKeys(ColumnId::kBlobs), 299u);
  EXPECT_EQ(Summaries("ann", "INBOX").size(), 299u);
  ASSERT_TRUE(Flag("ann", "INBOX", UidSet::All(), StoreFlagsRequest::MODE_ADD, kDeleted).ok());
  ASSERT_TRUE(Expunge("ann", "INBOX").ok());
  CollectAll();
  EXPECT_EQ(CountKeys(ColumnId::kMessages), 0u);
  EXPECT_EQ(CountKeys(ColumnId::kEntries), 0u);
  EXPECT_EQ(CountKeys(ColumnId::kSummaries), 0u);
  EXPECT_EQ(CountKeys(ColumnId::kReferences), 0u);
}

TEST_F(OperationsTest, CopyKeepsFlagsAndContents) {
  ASSERT_TRUE(Create("ann", "Archive").ok());
  ASSERT_TRUE(Append("ann", "INBOX", Message("a"), kSeen, {"one", "two"}).ok());
  ASSERT_TRUE(Append("ann", "Archive", Message("b"), 0, {"two"}).ok());
  CopyMessagesRequest request;
  request.set_request_id("c");
  request.set_account_id("ann");
  request.set_mailbox_id(IdOf("ann", "INBOX"));
  UidSet::All().ToProto(request.mutable_uids());
  request.set_to_mailbox("Archive");
  const auto response = Wait(store(), &CopyMessages, request);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(UidSet::FromProto(response->destination_uids()).value(), UidSet::Single(2, 2));
  ASSERT_TRUE(Wait(store(), &CopyMessages, request).ok());  // the same request
  EXPECT_THAT(OpenBox("ann", "Archive").keywords(), ElementsAre("two", "one"));
  EXPECT_THAT(View("ann", "Archive"), ElementsAre(Pair(1, Flags{1} << 16), Pair(2, kSeen | Flags{3} << 16)));
  EXPECT_EQ(Content("ann", "Archive", 2), Message("a"));
  EXPECT_EQ(CountKeys(ColumnId::kBlobs), 2u);
  // The content lives as long as one copy does.
  ASSERT_TRUE(Flag("ann", "INBOX", UidSet::All(), StoreFlagsRequest::MODE_ADD, kDeleted).ok());
  ASSERT_TRUE(Expunge("ann", "INBOX").ok());
  CollectAll();
  EXPECT_EQ(Content("ann", "Archive", 2), Message("a"));
  Crash();
  EXPECT_EQ(Summaries("ann", "Archive").size(), 2u);
}

TEST_F(OperationsTest, CopyWithinAMailbox) {
  for (int i = 0; i < 5; ++i) Deliver("ann", Message(absl::StrCat("m", i)));
  CopyMessagesRequest request;
  request.set_request_id("c");
  request.set_account_id("ann");
  request.set_mailbox_id(IdOf("ann", "INBOX"));
  UidSet::Single(2, 4).ToProto(request.mutable_uids());
  request.set_to_mailbox("INBOX");
  ASSERT_TRUE(Wait(store(), &CopyMessages, request).ok());
  EXPECT_EQ(Content("ann", "INBOX", 8), Message("m3"));
  EXPECT_EQ(Summaries("ann", "INBOX").size(), 8u);
}

TEST_F(OperationsTest, ACopyOfThousandsIsWrittenAhead) {
  AppendMessagesRequest append;
  append.set_account_id("ann");
  append.set_mailbox("INBOX");
  for (int i = 0; i < 900; ++i) append.add_messages()->mutable_body()->set_inline_octets(Message(absl::StrCat("m", i)));
  for (int i = 0; i < 3; ++i) {
    append.set_request_id(NewRequestId());
    ASSERT_TRUE(Wait(store(), &AppendMessages, append).ok());
  }
  ASSERT_TRUE(Create("ann", "Archive").ok());
  MoveMessagesRequest request;
  request.set_request_id("m");
  request.set_account_id("ann");
  request.set_mailbox_id(IdOf("ann", "INBOX"));
  UidSet::All().ToProto(request.mutable_uids());
  request.set_to_mailbox("Archive");
  const auto response = Wait(store(), &MoveMessages, request);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_THAT(View("ann", "INBOX"), IsEmpty());
  CollectAll();
  Crash();
  EXPECT_EQ(Summaries("ann", "Archive").size(), 2700u);
  EXPECT_EQ(Content("ann", "Archive", 2700), Message("m899"));
}

TEST_F(OperationsTest, RecentIsClaimedOnce) {
  Deliver("ann", Message("a"));
  Deliver("ann", Message("b"));
  EXPECT_EQ(Status("ann", "INBOX").recent(), 2u);
  EXPECT_EQ(OpenBox("ann", "INBOX", /*claim=*/false).recent_first(), 1u);
  EXPECT_EQ(OpenBox("ann", "INBOX", /*claim=*/true).recent_first(), 1u);
  EXPECT_EQ(OpenBox("ann", "INBOX", /*claim=*/true).recent_first(), 0u);
  Deliver("ann", Message("c"));
  ClaimRecentRequest request;
  request.set_account_id("ann");
  request.set_mailbox_id(IdOf("ann", "INBOX"));
  const auto claimed = Wait(store(), &ClaimRecent, request);
  ASSERT_TRUE(claimed.ok());
  EXPECT_EQ(claimed->first(), 3u);
  EXPECT_EQ(claimed->last(), 3u);
  EXPECT_EQ(Status("ann", "INBOX").recent(), 0u);
}

TEST_F(OperationsTest, TheMaildropIsExclusive) {
  Deliver("ann", Message("a"));
  Deliver("ann", Message("bb"));
  AcquireMaildropRequest acquire;
  acquire.set_account_id("ann");
  acquire.set_lease_id("first");
  acquire.set_time_limit_seconds(60);
  ASSERT_TRUE(Wait(store(), &AcquireMaildrop, acquire).ok());
  ListMaildropRequest list;
  list.set_account_id("ann");
  list.set_lease_id("first");
  auto reader = ListMaildrop(store(), list);
  ASSERT_TRUE(reader.ok()) << reader.status();
  ListMaildropResponse listed;
  ASSERT_TRUE(*(*reader)->Next(&listed));
  EXPECT_THAT(listed.uid_deltas(), ElementsAre(1, 1));
  EXPECT_THAT(listed.sizes_bytes(), ElementsAre(Message("a").size(), Message("bb").size()));
  listed.Clear();
  EXPECT_FALSE(*(*reader)->Next(&listed));
  reader->reset();
  list.set_lease_id("second");
  EXPECT_TRUE(rpc::HasReason(ListMaildrop(store(), list).status(), type::v1::ERROR_REASON_LEASE_LOST));
  acquire.set_lease_id("second");
  EXPECT_TRUE(rpc::HasReason(Wait(store(), &AcquireMaildrop, acquire).status(), type::v1::ERROR_REASON_IN_USE));

  Reopen();  // leases are forgotten, and granted again to whom asks first
  RenewMaildropRequest renew;
  renew.set_account_id("ann");
  renew.set_lease_id("first");
  renew.set_time_limit_seconds(60);
  EXPECT_TRUE(Wait(store(), &RenewMaildrop, renew).ok());
  EXPECT_FALSE(Wait(store(), &AcquireMaildrop, acquire).ok());

  CommitMaildropRequest commit;
  commit.set_request_id("quit");
  commit.set_account_id("ann");
  commit.set_lease_id("first");
  UidSet::Single(1, 1).ToProto(commit.mutable_delete_());
  const auto committed = Wait(store(), &CommitMaildrop, commit);
  ASSERT_TRUE(committed.ok()) << committed.status();
  EXPECT_EQ(committed->deleted(), 1u);
  EXPECT_TRUE(Wait(store(), &AcquireMaildrop, acquire).ok());
  EXPECT_EQ(Wait(store(), &CommitMaildrop, commit)->deleted(), 1u);  // repeated
  EXPECT_THAT(View("ann", "INBOX"), ElementsAre(Pair(2, 0)));

  clock_.Advance(absl::Seconds(61));
  acquire.set_lease_id("third");
  EXPECT_TRUE(Wait(store(), &AcquireMaildrop, acquire).ok());
}

TEST_F(OperationsTest, AScatteredExpungeIsCollectedInShortRows) {
  AppendMessagesRequest request;
  request.set_request_id(NewRequestId());
  request.set_account_id("ann");
  request.set_mailbox("INBOX");
  for (int i = 0; i < 1000; ++i) request.add_messages()->mutable_body()->set_inline_octets(Message(std::to_string(i)));
  for (int round = 0; round < 5; ++round) {
    request.set_request_id(NewRequestId());
    ASSERT_TRUE(Wait(store(), &AppendMessages, request).ok());
  }
  UidSet every_second;
  for (uint32_t uid = 1; uid <= 5000; uid += 2) every_second.Append(uid);
  ASSERT_TRUE(Flag("ann", "INBOX", every_second, StoreFlagsRequest::MODE_ADD, kDeleted).ok());
  const auto expunged = Expunge("ann", "INBOX");
  ASSERT_TRUE(expunged.ok());
  EXPECT_EQ(expunged->expunged().first_size(), 2500);
  EXPECT_EQ(CountKeys(ColumnId::kGarbage), 3u);  // of 1,024 ranges at most
  CollectAll();
  EXPECT_EQ(CountKeys(ColumnId::kGarbage), 0u);
  EXPECT_EQ(CountKeys(ColumnId::kBlobs), 2500u);
  EXPECT_EQ(Status("ann", "INBOX").messages(), 2500u);
}

TEST_F(OperationsTest, ADeletedAccountIsGoneForGood) {
  Deliver("ann", Message("a"));
  Deliver("bob", Message("b"));
  DeleteAccountRequest request;
  request.set_request_id("d");
  request.set_account_id("ann");
  ASSERT_TRUE(Wait(store(), &DeleteAccount, request).ok());
  ASSERT_TRUE(Wait(store(), &DeleteAccount, request).ok());
  const auto refused = Append("ann", "INBOX", Message("x"));
  EXPECT_TRUE(rpc::HasReason(refused.status(), type::v1::ERROR_REASON_ACCOUNT_NOT_FOUND)) << refused.status();
  CollectAll();
  Crash();
  EXPECT_EQ(CountKeys(ColumnId::kBlobs), 1u);
  EXPECT_EQ(CountKeys(ColumnId::kMailboxes), 1u);
  EXPECT_FALSE(Append("ann", "INBOX", Message("x")).ok());
  EXPECT_EQ(Content("bob", "INBOX", 1), Message("b"));
}

TEST_F(OperationsTest, RequestsAreForgottenAfterTheirTime) {
  const auto request = Delivery({"ann"}, Message("one"));
  ASSERT_TRUE(Wait(store(), &DeliverMessage, request).ok());
  clock_.Advance(absl::Hours(7 * 24 + 1));
  ASSERT_TRUE(store().db().CompactWhole(store().column(ColumnId::kRequests)).ok());
  EXPECT_EQ(CountKeys(ColumnId::kRequests), 0u);
}

TEST_F(OperationsTest, ANewerSchemaIsRefused) {
  storage::v1::MailboxStoreMeta meta;
  meta.set_schema_version(1000);
  kv::Commit commit;
  commit.batch.Put(store().column(ColumnId::kMeta), keys::Meta(), meta.SerializeAsString());
  ASSERT_TRUE(store().pipeline().Write(std::move(commit)).ok());
  Close();
  EXPECT_EQ(Store::Open(options_).status().code(), absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace mailmesh::mailbox_store
