// Verification: clean after everything that operations do, each kind of damage found, what can be derived repaired.

#include <rocksdb/statistics.h>

#include "absl/strings/str_cat.h"
#include "common/base/bytes.h"
#include "services/mailbox_store/engine/verify.h"
#include "tests/unit/services/mailbox_store/store_fixture.h"

namespace mailmesh::mailbox_store {
namespace {

using namespace mailbox::v1;  // NOLINT: the contract under test
using testing::AllOf;
using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::IsEmpty;

class VerifyTest : public StoreFixture {
 protected:
  struct Outcome {
    std::vector<VerifyFinding> findings;
    VerifyProgress summary;
    std::vector<VerifyFinding::Kind> kinds() const {
      std::vector<VerifyFinding::Kind> result;
      for (const VerifyFinding& finding : findings) result.push_back(finding.kind());
      return result;
    }
  };
  Outcome Verify(bool repair = false, bool contents = true, const std::string& account = {}) {
    VerifyStoreRequest request;
    request.set_repair(repair);
    request.set_contents(contents);
    request.set_account_id(account);
    Outcome outcome;
    auto reader = VerifyStore(store(), request);
    EXPECT_TRUE(reader.ok()) << reader.status();
    while (reader.ok()) {
      VerifyStoreResponse response;
      const auto more = (*reader)->Next(&response);
      EXPECT_TRUE(more.ok()) << more.status();
      if (!more.ok() || !*more) break;
      if (response.has_finding()) outcome.findings.push_back(response.finding());
      if (response.has_summary()) outcome.summary = response.summary();
    }
    EXPECT_EQ(outcome.summary.findings(), outcome.findings.size());
    return outcome;
  }
  void ExpectClean() {
    const Outcome outcome = Verify();
    for (const VerifyFinding& finding : outcome.findings) ADD_FAILURE() << finding.ShortDebugString();
  }
  // Finds this kind first, repairs it, and is clean then. Heads are dropped: damage comes from the disk.
  void ExpectRepaired(VerifyFinding::Kind kind) {
    Reopen();
    EXPECT_THAT(Verify().kinds(), Contains(kind));
    const Outcome repaired = Verify(/*repair=*/true);
    for (const VerifyFinding& finding : repaired.findings) EXPECT_TRUE(finding.repaired()) << finding.ShortDebugString();
    EXPECT_EQ(repaired.summary.repaired(), repaired.findings.size());
    ExpectClean();
    Reopen();
    ExpectClean();
  }
  void Change(const std::function<void(kv::Batch&)>& fill) {
    kv::Commit commit;
    fill(commit.batch);
    ASSERT_TRUE(store().pipeline().Write(std::move(commit)).ok());
  }
  std::string Read(ColumnId column, const std::string& key) {
    std::string octets;
    EXPECT_TRUE(*store().db().Get(store().column(column), key, &octets));
    return octets;
  }
  std::string FirstKey(ColumnId column) {
    auto it = store().db().NewIterator(store().column(column), "", "");
    it->SeekToFirst();
    return it->Valid() ? std::string(it->key()) : std::string();
  }
  AccountId Ann() { return (*store().FindAccount("ann"))->number(); }
  static MailboxId Inbox() { return MailboxId(1); }
};

TEST_F(VerifyTest, AllThatOperationsDoIsClean) {
  Close();
  options_.special_mailboxes = true;
  Open();
  Deliver("ann", Message("a"));
  Deliver("ann", Message("b"));
  ASSERT_TRUE(Wait(store(), &DeliverMessage, Delivery({"ann", "bob"}, Message("shared"))).ok());
  AppendMessagesRequest large;
  large.set_request_id(NewRequestId());
  large.set_account_id("ann");
  large.set_mailbox("Sent");
  large.add_messages()->mutable_body()->set_upload_id(Upload(Message("large", std::string(700'000, 'x'))));
  large.mutable_messages(0)->mutable_body()->set_trace_fields("Received: by x\r\n");
  ASSERT_TRUE(Wait(store(), &AppendMessages, large).ok());
  Upload(Message("unused", std::string(300'000, 'y')));
  CopyMessagesRequest copy;
  copy.set_request_id(NewRequestId());
  copy.set_account_id("ann");
  copy.set_mailbox_id(IdOf("ann", "INBOX"));
  UidSet::All().ToProto(copy.mutable_uids());
  copy.set_to_mailbox("Trash");
  ASSERT_TRUE(Wait(store(), &CopyMessages, copy).ok());
  ExpectClean();
  ASSERT_TRUE(Flag("ann", "INBOX", UidSet::Single(2, 3), StoreFlagsRequest::MODE_ADD, kDeleted | kSeen).ok());
  ASSERT_TRUE(Expunge("ann", "INBOX").ok());
  DeleteMailboxRequest remove;
  remove.set_request_id(NewRequestId());
  remove.set_account_id("ann");
  remove.set_mailbox("Trash");
  ASSERT_TRUE(Wait(store(), &DeleteMailbox, remove).ok());
  ExpectClean();  // not collected yet
  CollectAll();
  ExpectClean();
  Crash();
  ExpectClean();
  const Outcome outcome = Verify();
  EXPECT_EQ(outcome.summary.accounts(), 2u);
  EXPECT_EQ(outcome.summary.accounts_total(), 2u);
  EXPECT_EQ(outcome.summary.messages(), 3u);
  EXPECT_GT(outcome.summary.content_bytes(), 700'000u);
  EXPECT_EQ(Verify(false, true, "bob").summary.messages(), 1u);
}

TEST_F(VerifyTest, CountersAreCountedAnew) {
  Deliver("ann", Message("a"));
  Deliver("ann", Message("b"));
  const std::string key = keys::Mailbox(Ann(), Inbox());
  storage::v1::MailboxRecord box;
  ASSERT_TRUE(box.ParseFromString(Read(ColumnId::kMailboxes, key)));
  box.set_unseen(77);
  Change([&](kv::Batch& batch) { batch.Put(store().column(ColumnId::kMailboxes), key, box.SerializeAsString()); });
  ExpectRepaired(VerifyFinding::KIND_WRONG_MAILBOX_COUNTERS);
  EXPECT_EQ(Status("ann", "INBOX").unseen(), 2u);

  storage::v1::AccountRecord account;
  ASSERT_TRUE(account.ParseFromString(Read(ColumnId::kAccounts, keys::Account(Ann()))));
  account.set_octets(1);
  Change([&](kv::Batch& batch) {
    batch.Put(store().column(ColumnId::kAccounts), keys::Account(Ann()), account.SerializeAsString());
  });
  ExpectRepaired(VerifyFinding::KIND_WRONG_ACCOUNT_COUNTERS);
}

TEST_F(VerifyTest, TheGreatestIsRaised) {
  Deliver("ann", Message("a"));
  Deliver("ann", Message("b"));
  const std::string key = keys::Mailbox(Ann(), Inbox());
  storage::v1::MailboxRecord box;
  ASSERT_TRUE(box.ParseFromString(Read(ColumnId::kMailboxes, key)));
  box.set_uid_next(2);
  Change([&](kv::Batch& batch) { batch.Put(store().column(ColumnId::kMailboxes), key, box.SerializeAsString()); });
  ExpectRepaired(VerifyFinding::KIND_WRONG_GREATEST);
  EXPECT_EQ(Deliver("ann", Message("c")), 3u);
}

TEST_F(VerifyTest, SummariesComeFromTheContent) {
  Deliver("ann", Message("a"));
  const auto before = Summaries("ann", "INBOX");
  const std::string page = keys::SummaryPage(Ann(), Inbox(), SummaryKind::kEnvelope, 0);
  kv::PageWriter wrong;
  wrong.Add(1, "(NIL)");
  Change([&](kv::Batch& batch) { batch.Put(store().column(ColumnId::kSummaries), page, wrong.octets()); });
  EXPECT_THAT(Verify(false, /*contents=*/false).kinds(), IsEmpty());  // only the content tells
  ExpectRepaired(VerifyFinding::KIND_WRONG_SUMMARY);
  EXPECT_EQ(Summaries("ann", "INBOX")[0].envelope(), before[0].envelope());
  Change([&](kv::Batch& batch) { batch.Delete(store().column(ColumnId::kSummaries), page); });
  ExpectRepaired(VerifyFinding::KIND_WRONG_SUMMARY);
  EXPECT_EQ(Summaries("ann", "INBOX")[0].envelope(), before[0].envelope());
}

TEST_F(VerifyTest, AWrongSizeIsTheContents) {
  Deliver("ann", Message("a"));
  const std::string page = keys::Page(Ann(), Inbox(), 0);
  MessageRecord record{0, 2, 5};
  kv::PageWriter wrong;
  wrong.Add(1, record.Encode());
  Change([&](kv::Batch& batch) { batch.Put(store().column(ColumnId::kMessages), page, wrong.octets()); });
  // The counters are wrong as long as the size is.
  Reopen();
  EXPECT_THAT(Verify(true).kinds(), Contains(VerifyFinding::KIND_WRONG_SIZE));
  Verify(true);
  ExpectClean();
  EXPECT_EQ(Summaries("ann", "INBOX")[0].size_bytes(), Message("a").size());
}

TEST_F(VerifyTest, ReferencesFollowTheMessages) {
  Deliver("ann", Message("a"));
  std::string blob_key;
  std::string reference;
  auto it = store().db().NewIterator(store().column(ColumnId::kReferences), "", "");
  for (it->SeekToFirst(); it->Valid(); it->Next()) (it->key().size() == 16 ? blob_key : reference) = std::string(it->key());
  it.reset();
  ASSERT_FALSE(reference.empty());
  Change([&](kv::Batch& batch) { batch.Delete(store().column(ColumnId::kReferences), reference); });
  ExpectRepaired(VerifyFinding::KIND_MISSING_REFERENCE);
  std::string stale = reference;
  stale.back() = static_cast<char>(stale.back() + 1);
  Change([&](kv::Batch& batch) { batch.Put(store().column(ColumnId::kReferences), stale, ""); });
  ExpectRepaired(VerifyFinding::KIND_STALE_REFERENCE);
  CollectAll();
  EXPECT_EQ(Content("ann", "INBOX", 1), Message("a"));
}

TEST_F(VerifyTest, ContentsThatNobodyRefersToAreCollected) {
  Deliver("ann", Message("a"));
  BlobId blob{};
  blob[0] = 1;
  const std::string octets = "nobody's";
  Change([&](kv::Batch& batch) { batch.Put(store().column(ColumnId::kBlobs), keys::BlobChunk(blob, 0), octets); });
  ExpectRepaired(VerifyFinding::KIND_UNREFERENCED_CONTENT);
  CollectAll();
  EXPECT_EQ(CountKeys(ColumnId::kBlobs), 1u);
}

TEST_F(VerifyTest, WhatTheDiskDidToAContentIsTold) {
  Deliver("ann", Message("a"));
  const std::string chunk = FirstKey(ColumnId::kBlobs);
  std::string octets = Message("a");
  octets.back() = '?';
  Change([&](kv::Batch& batch) { batch.Put(store().column(ColumnId::kBlobs), chunk, octets); });
  const Outcome wrong = Verify(/*repair=*/true);
  EXPECT_THAT(wrong.kinds(), Contains(VerifyFinding::KIND_WRONG_DIGEST));
  Change([&](kv::Batch& batch) { batch.Delete(store().column(ColumnId::kBlobs), chunk); });
  const Outcome gone = Verify(/*repair=*/true);
  EXPECT_THAT(gone.kinds(), Contains(VerifyFinding::KIND_MISSING_CONTENT));
  for (const VerifyFinding& finding : gone.findings) EXPECT_FALSE(finding.repaired());
}

TEST_F(VerifyTest, NamesAndMailboxesBelongTogether) {
  ASSERT_TRUE(Create("ann", "box").ok());
  ASSERT_TRUE(Append("ann", "box", Message("a")).ok());
  const MailboxId box = *ParseMailboxId(IdOf("ann", "box"));
  Change([&](kv::Batch& batch) { batch.Delete(store().column(ColumnId::kNames), keys::Name(Ann(), "box")); });
  ExpectRepaired(VerifyFinding::KIND_MAILBOX_WITHOUT_NAME);
  EXPECT_EQ(Status("ann", "Lost/" + MailboxIdText(box)).messages(), 1u);

  storage::v1::MailboxNameRecord name;
  name.set_mailbox(4711);
  Change([&](kv::Batch& batch) {
    batch.Put(store().column(ColumnId::kNames), keys::Name(Ann(), "ghost"), name.SerializeAsString());
  });
  ExpectRepaired(VerifyFinding::KIND_NAME_WITHOUT_MAILBOX);
  EXPECT_THAT(List("ann"), ElementsAre("INBOX", "Lost - +", "Lost/" + MailboxIdText(box)));
}

// The work of a repair grows with what is wrong, not with what is wrong times what is there.
TEST_F(VerifyTest, TenThousandWrongMailboxesAreMendedOneByOne) {
  constexpr uint64_t kMailboxes = 10'000;
  Deliver("ann", Message("a"));
  storage::v1::AccountRecord account;
  ASSERT_TRUE(account.ParseFromString(Read(ColumnId::kAccounts, keys::Account(Ann()))));
  const uint64_t first = account.last_mailbox() + 1;
  account.set_last_mailbox(account.last_mailbox() + kMailboxes);
  account.set_mailboxes(account.mailboxes() + kMailboxes);
  auto put_name = [&](kv::Batch& batch, uint64_t i, uint64_t mailbox) {
    storage::v1::MailboxNameRecord name;
    name.set_mailbox(mailbox);
    name.set_uid_validity(1);
    batch.Put(store().column(ColumnId::kNames), keys::Name(Ann(), absl::StrCat("m", i)), name.SerializeAsString());
  };
  Change([&](kv::Batch& batch) {
    batch.Put(store().column(ColumnId::kAccounts), keys::Account(Ann()), account.SerializeAsString());
    for (uint64_t i = 0; i < kMailboxes; ++i) {
      storage::v1::MailboxRecord box;
      box.set_name(absl::StrCat("m", i));
      box.set_uid_validity(1);
      box.set_uid_next(1);
      box.set_recent_from(1);
      box.set_unseen(7);
      batch.Put(store().column(ColumnId::kMailboxes), keys::Mailbox(Ann(), MailboxId(first + i)), box.SerializeAsString());
      put_name(batch, i, first + i);
    }
  });
  auto reads = [this] {
    const auto& statistics = store().db().statistics();
    return statistics->getTickerCount(rocksdb::NUMBER_KEYS_READ) + statistics->getTickerCount(rocksdb::NUMBER_DB_SEEK);
  };
  auto expect_mended = [&](uint64_t findings) {
    Reopen();
    const uint64_t before = reads();
    EXPECT_EQ(Verify(/*repair=*/true, /*contents=*/false).summary.repaired(), findings);
    EXPECT_LT(reads() - before, 30 * kMailboxes);
    Reopen();
    ExpectClean();
  };
  expect_mended(kMailboxes);  // the counters
  Change([&](kv::Batch& batch) {
    for (uint64_t i = 0; i < kMailboxes; ++i) put_name(batch, i, first + kMailboxes + i);
  });
  expect_mended(2 * kMailboxes);  // names without a mailbox, mailboxes without a name
}

TEST_F(VerifyTest, StrayRecordsAreCollected) {
  Deliver("ann", Message("a"));
  const std::string entries = Read(ColumnId::kEntries, keys::Page(Ann(), Inbox(), 0));
  const MailboxId nowhere(99);
  Change([&](kv::Batch& batch) {
    batch.Put(store().column(ColumnId::kMessages), keys::Page(Ann(), nowhere, 0), Read(ColumnId::kMessages, keys::Page(Ann(), Inbox(), 0)));
  });
  ExpectRepaired(VerifyFinding::KIND_STRAY_RECORDS);
  CollectAll();
  EXPECT_EQ(CountKeys(ColumnId::kMessages), 1u);
}

TEST_F(VerifyTest, DamageIsToldAndTheRestGoesOn) {
  Deliver("ann", Message("a"));
  Deliver("bob", Message("b"));
  const std::string page = keys::Page(Ann(), Inbox(), 0);
  Change([&](kv::Batch& batch) { batch.Put(store().column(ColumnId::kMessages), page, "\xff\xff\xff"); });
  const Outcome outcome = Verify();
  EXPECT_THAT(outcome.kinds(), Contains(VerifyFinding::KIND_DAMAGED_RECORD));
  EXPECT_EQ(outcome.summary.messages(), 1u);  // bob's
}

TEST_F(VerifyTest, OneAtATime) {
  for (int i = 0; i < 50; ++i) Deliver("ann" + std::to_string(i), Message("a"));
  VerifyStoreRequest request;
  auto first = VerifyStore(store(), request);
  ASSERT_TRUE(first.ok());
  VerifyStoreResponse response;
  while (*(*first)->Next(&response)) {
  }
  first->reset();
  EXPECT_TRUE(VerifyStore(store(), request).ok());  // and is given up when nobody reads it
}

}  // namespace
}  // namespace mailmesh::mailbox_store
