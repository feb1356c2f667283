// Changes by MODSEQ: from any earlier point they give the present state; watchers see only what is durable, in order.

#include <random>
#include <thread>

#include "absl/strings/str_cat.h"
#include "services/mailbox_store/engine/read_scope.h"
#include "services/mailbox_store/engine/txn.h"
#include "tests/unit/services/mailbox_store/store_fixture.h"

namespace mailmesh::mailbox_store {
namespace {

using namespace mailbox::v1;  // NOLINT: the contract under test

struct Moment {
  uint64_t modseq = 0;
  std::map<uint32_t, Flags> view;
};

class ChangesTest : public StoreFixture {
 protected:
  MailboxId Id(const std::string& name) { return *ParseMailboxId(IdOf("ann", name)); }
  Moment Now(const std::string& name) { return Moment{Status("ann", name).highest_modseq(), View("ann", name)}; }

  void ExpectCatchUp(const std::string& name, const Moment& from, const Moment& to) {
    const auto change = ReadChanges(store(), "ann", Id(name), from.modseq);
    ASSERT_TRUE(change.ok()) << change.status();
    EXPECT_EQ(change->modseq, to.modseq);
    std::map<uint32_t, Flags> view = from.view;
    for (const UidSet::Range& range : change->expunged.ranges()) {
      view.erase(view.lower_bound(range.first), view.upper_bound(range.last));
    }
    uint64_t last = 0;
    for (const ViewMessage& message : change->messages) {
      EXPECT_GT(message.uid, last);
      EXPECT_GT(message.modseq, from.modseq);
      last = message.uid;
      view[message.uid] = message.flags;
    }
    EXPECT_EQ(view, to.view) << "from " << from.modseq << " to " << to.modseq;
  }
};

TEST_F(ChangesTest, AnyEarlierPointCatchesUp) {
  std::mt19937 random(20261123);
  ASSERT_TRUE(Create("ann", "other").ok());
  const std::vector<std::string> names = {"INBOX", "other"};
  std::map<std::string, std::vector<Moment>> history;
  std::map<std::string, uint32_t> greatest;
  for (int step = 0; step < 250; ++step) {
    const std::string& name = names[random() % 2];
    const auto view = View("ann", name);
    UidSet some;
    for (const auto& [uid, flags] : view) {
      if (random() % 4 == 0) some.Append(uid);
    }
    switch (random() % 6) {
      case 0:
      case 1:
        ASSERT_TRUE(Append("ann", name, Message(absl::StrCat("s", step)), random() % 32).ok());
        break;
      case 2:
        ASSERT_TRUE(Flag("ann", name, some, StoreFlagsRequest::MODE_ADD, 1u << (random() % 5)).ok());
        break;
      case 3:
        ASSERT_TRUE(Flag("ann", name, some, StoreFlagsRequest::MODE_REMOVE, 1u << (random() % 5)).ok());
        break;
      case 4:
        ASSERT_TRUE(Expunge("ann", name).ok());
        break;
      case 5: {
        MoveMessagesRequest request;
        request.set_request_id(NewRequestId());
        request.set_account_id("ann");
        request.set_mailbox_id(IdOf("ann", name));
        some.ToProto(request.mutable_uids());
        request.set_to_mailbox(names[random() % 2]);
        ASSERT_TRUE(Wait(store(), &MoveMessages, request).ok());
        break;
      }
    }
    if (step % 60 == 30) Crash();
    if (step % 25 == 7) CollectAll();
    for (const std::string& each : names) {
      const Moment now = Now(each);
      std::vector<Moment>& past = history[each];
      if (!past.empty()) {
        EXPECT_GE(now.modseq, past.back().modseq);
        EXPECT_TRUE(now.view == past.back().view || now.modseq > past.back().modseq);
      }
      for (const auto& [uid, flags] : now.view) {
        // A UID that is new is greater than all before.
        EXPECT_TRUE(past.empty() || past.back().view.contains(uid) || uid > greatest[each]);
      }
      if (!now.view.empty()) greatest[each] = std::max(greatest[each], now.view.rbegin()->first);
      past.push_back(now);
      ExpectCatchUp(each, past[random() % past.size()], now);
    }
    // The counters are those of the messages.
    const auto status = Status("ann", name);
    const auto now = View("ann", name);
    EXPECT_EQ(status.messages(), now.size());
    EXPECT_EQ(status.unseen(), std::count_if(now.begin(), now.end(), [](auto& m) { return (m.second & kSeen) == 0; }));
    EXPECT_EQ(status.deleted(), std::count_if(now.begin(), now.end(), [](auto& m) { return (m.second & kDeleted) != 0; }));
  }
  for (const std::string& each : names) {
    for (const Moment& past : history[each]) ExpectCatchUp(each, past, history[each].back());
    EXPECT_EQ(Summaries("ann", each).size(), history[each].back().view.size());
  }
  CollectAll();
  EXPECT_EQ(CountKeys(ColumnId::kBlobs), View("ann", "INBOX").size() + View("ann", "other").size());
}

TEST_F(ChangesTest, OldChangeRecordsAreTrimmed) {
  Deliver("ann", Message("a"));
  const Moment before = Now("INBOX");
  Deliver("ann", Message("b"));
  const Moment after = Now("INBOX");
  const auto account = store().FindAccount("ann");
  kv::Commit commit;
  commit.batch.Put(store().column(ColumnId::kGarbage), keys::GarbageChanges((*account)->number(), Id("INBOX")), "");
  ASSERT_TRUE(store().pipeline().Write(std::move(commit)).ok());
  CollectAll();
  EXPECT_EQ(CountKeys(ColumnId::kChanges), 0u);
  ExpectCatchUp("INBOX", before, after);
}

TEST_F(ChangesTest, AViewFromTheFutureIsReadAgain) {
  EXPECT_TRUE(absl::IsOutOfRange(ReadChanges(store(), "ann", Id("INBOX"), 1000).status()));
}

class CheckingWatcher : public WatchHub::Watcher {
 public:
  explicit CheckingWatcher(Store& store) : store_(store) {}
  void OnChange(uint64_t, const std::shared_ptr<const MailboxChange>& change) override {
    // What it is told can be read, and nothing is left out.
    const auto scope = ReadScope::Open(store_, "ann");
    const auto record = (*scope)->Mailbox(change->mailbox);
    if (!record.ok() || record->highest_modseq() < change->modseq) ++too_early;
    if (last != 0 && change->before_modseq != last) ++gaps;
    if (change->modseq <= last) ++backwards;
    last = change->modseq;
    for (const ViewMessage& message : change->messages) view[message.uid] = message.flags;
    for (const UidSet::Range& range : change->expunged.ranges()) {
      view.erase(view.lower_bound(range.first), view.upper_bound(range.last));
    }
  }
  std::map<uint32_t, Flags> view;
  uint64_t last = 0;
  int too_early = 0;
  int gaps = 0;
  int backwards = 0;

 private:
  Store& store_;
};

TEST_F(ChangesTest, ManyThreadsOnOneAccount) {
  CheckingWatcher watcher(store());
  const MailboxId inbox = Id("INBOX");
  const auto account = store().FindAccount("ann");
  store().hub().Subscribe(&watcher, 1, (*account)->number(), inbox);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([this, t, inbox] {
      for (int i = 0; i < 60; ++i) {
        if (i % 3 < 2) {
          DeliverMessageRequest request;
          request.set_request_id(absl::StrCat("t", t, "-", i));
          request.mutable_body()->set_inline_octets(Message(absl::StrCat(t, "-", i)));
          request.add_recipients()->set_account_id("ann");
          request.add_recipients()->set_account_id(t % 2 == 0 ? "bob" : "carl");
          ASSERT_TRUE(Wait(store(), &DeliverMessage, request).ok());
        } else {
          StoreFlagsRequest request;
          request.set_request_id(absl::StrCat("t", t, "-", i));
          request.set_account_id("ann");
          request.set_mailbox_id(MailboxIdText(inbox));
          UidSet::Single(1, 1 + i).ToProto(request.mutable_uids());
          request.set_mode(i % 2 == 0 ? StoreFlagsRequest::MODE_ADD : StoreFlagsRequest::MODE_REMOVE);
          request.mutable_flags()->set_system_flags(t == 3 ? kDeleted : kFlagged);
          ASSERT_TRUE(Wait(store(), &StoreFlags, request).ok());
          if (t == 3 && i % 5 == 0) {
            ExpungeMessagesRequest expunge;
            expunge.set_request_id(request.request_id());
            expunge.set_account_id("ann");
            expunge.set_mailbox_id(MailboxIdText(inbox));
            ASSERT_TRUE(Wait(store(), &ExpungeMessages, expunge).ok());
          }
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  ASSERT_TRUE(store().pipeline().Flush().ok());
  store().hub().Unsubscribe(&watcher, 1, (*account)->number(), inbox);
  EXPECT_EQ(watcher.too_early, 0);
  EXPECT_EQ(watcher.gaps, 0);
  EXPECT_EQ(watcher.backwards, 0);
  EXPECT_EQ(watcher.view, View("ann", "INBOX"));
  EXPECT_EQ(Status("bob", "INBOX").messages(), 80u);
  EXPECT_EQ(Status("carl", "INBOX").messages(), 80u);
  EXPECT_EQ(Status("ann", "INBOX").messages(), View("ann", "INBOX").size());
  EXPECT_EQ(OpenBox("ann", "INBOX").uid_next(), 161u);
  CollectAll();
  Crash();
  EXPECT_EQ(watcher.view, View("ann", "INBOX"));
}

TEST_F(ChangesTest, ABrokenHeadIsDroppedAndReadAnew) {
  Deliver("ann", Message("a"));
  const auto account = store().FindAccount("ann");
  {
    absl::MutexLock lock(&(*account)->mutex);
    kv::CommitPipeline::Break(*(*account)->CurrentHead().lineage);
  }
  EXPECT_EQ(Deliver("ann", Message("b")), 2u);
  EXPECT_EQ(Status("ann", "INBOX").messages(), 2u);
}

TEST_F(ChangesTest, WhatWasBuiltOnAFailedCommitFailsToo) {
  Deliver("ann", Message("a"));
  Deliver("bob", Message("a"));
  const auto ann = store().FindAccount("ann");
  absl::Notification held, done;
  absl::Status second;
  // The pipeline's completion thread is held up by nothing here; the order is that of the calls: break between staging and writing
  // by handing in a commit over both accounts whose lineage for ann is broken already.
  {
    absl::MutexLock lock(&(*ann)->mutex);
    auto lineage = (*ann)->CurrentHead().lineage;
    kv::Batch batch;
    Txn txn(store(), *ann, &batch);
    ASSERT_TRUE(txn.Begin().ok());
    txn.Put(ColumnId::kNames, keys::Name((*ann)->number(), "ghost"), storage::v1::MailboxNameRecord().SerializeAsString());
    kv::CommitPipeline::Break(*lineage);
    ASSERT_TRUE(store()
                    .Commit({&txn}, batch, {},
                            [&](const absl::Status& status) {
                              second = status;
                              done.Notify();
                            })
                    .ok());
  }
  done.WaitForNotification();
  EXPECT_TRUE(absl::IsUnavailable(second)) << second;
  EXPECT_EQ(CountKeys(ColumnId::kNames), 2u);
  EXPECT_EQ(Deliver("ann", Message("b")), 2u);
}

}  // namespace
}  // namespace mailmesh::mailbox_store
