// The seams of the mailbox store at which MAILMESH_SABOTAGE makes three of its four mistakes (the fourth, the missing sync, is the
// file system's). Each is what a careless change of the product could bring; the durability test has to find it.
#include <set>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "services/mailbox_store/engine/keys.h"
#include "services/mailbox_store/engine/store.h"
#include "services/mailbox_store/engine/txn.h"
#include "services/mailbox_store/engine/watch_hub.h"
#include "tests/durability/faulty/faults.h"
#include "tests/durability/faulty/seam.h"

namespace mailmesh::faulty {

using mailbox_store::ColumnId;
using mailbox_store::MailboxChange;
using mailbox_store::Store;
using mailbox_store::Txn;
using mailbox_store::WatchHub;
using Done = absl::AnyInvocable<void(const absl::Status&)>;

void RealRememberRequest(Txn* txn, char operation, std::string_view id, std::string_view response, std::string_view detail)
    MAILMESH_SEAM_REAL(_ZN8mailmesh13mailbox_store3Txn15RememberRequestEcSt17basic_string_viewIcSt11char_traitsIcEES5_S5_);
void SeamRememberRequest(Txn* txn, char operation, std::string_view id, std::string_view response, std::string_view detail)
    MAILMESH_SEAM(_ZN8mailmesh13mailbox_store3Txn15RememberRequestEcSt17basic_string_viewIcSt11char_traitsIcEES5_S5_);

void RealPutUnread(Txn* txn, ColumnId column, std::string_view key, std::string_view value)
    MAILMESH_SEAM_REAL(_ZN8mailmesh13mailbox_store3Txn9PutUnreadENS0_8ColumnIdESt17basic_string_viewIcSt11char_traitsIcEES6_);
void SeamPutUnread(Txn* txn, ColumnId column, std::string_view key, std::string_view value)
    MAILMESH_SEAM(_ZN8mailmesh13mailbox_store3Txn9PutUnreadENS0_8ColumnIdESt17basic_string_viewIcSt11char_traitsIcEES6_);

void RealRecordChange(Txn* txn, MailboxChange change)
    MAILMESH_SEAM_REAL(_ZN8mailmesh13mailbox_store3Txn12RecordChangeENS0_13MailboxChangeE);
void SeamRecordChange(Txn* txn, MailboxChange change)
    MAILMESH_SEAM(_ZN8mailmesh13mailbox_store3Txn12RecordChangeENS0_13MailboxChangeE);

absl::Status RealCommit(Store* store, const std::vector<Txn*>& txns, kv::Batch& batch, const Store::CommitOptions& options, Done done)
    MAILMESH_SEAM_REAL(
        _ZN8mailmesh13mailbox_store5Store6CommitERKSt6vectorIPNS0_3TxnESaIS4_EERNS_2kv5BatchERKNS1_13CommitOptionsEN4absl7debian312AnyInvocableIFvRKNSG_6StatusEEEE);
absl::Status SeamCommit(Store* store, const std::vector<Txn*>& txns, kv::Batch& batch, const Store::CommitOptions& options, Done done)
    MAILMESH_SEAM(
        _ZN8mailmesh13mailbox_store5Store6CommitERKSt6vectorIPNS0_3TxnESaIS4_EERNS_2kv5BatchERKNS1_13CommitOptionsEN4absl7debian312AnyInvocableIFvRKNSG_6StatusEEEE);

void RealPublish(WatchHub* hub, std::vector<MailboxChange> changes)
    MAILMESH_SEAM_REAL(_ZN8mailmesh13mailbox_store8WatchHub7PublishESt6vectorINS0_13MailboxChangeESaIS3_EE);
void SeamPublish(WatchHub* hub, std::vector<MailboxChange> changes)
    MAILMESH_SEAM(_ZN8mailmesh13mailbox_store8WatchHub7PublishESt6vectorINS0_13MailboxChangeESaIS3_EE);

namespace {

// Changes that the watchers were told of before they were durable, so that they are not told again.
class ToldEarly {
 public:
  void Add(const MailboxChange& change) {
    absl::MutexLock lock(&mutex_);
    told_.insert(KeyOf(change));
  }
  bool Take(const MailboxChange& change) {
    absl::MutexLock lock(&mutex_);
    return told_.erase(KeyOf(change)) > 0;
  }

 private:
  using Key = std::tuple<uint64_t, uint64_t, uint64_t>;
  static Key KeyOf(const MailboxChange& change) {
    return {change.account.value(), change.mailbox.value(), change.modseq};
  }
  absl::Mutex mutex_;
  std::set<Key> told_ ABSL_GUARDED_BY(mutex_);
};

ToldEarly& TheToldEarly() {
  static ToldEarly told;
  return told;
}

// What the transactions of this thread have staged since its last commit.
thread_local std::vector<MailboxChange> staged_changes;

}  // namespace

void SeamRememberRequest(Txn* txn, char operation, std::string_view id, std::string_view response, std::string_view detail) {
  if (TheSabotage() == Sabotage::kRequestId) return;
  RealRememberRequest(txn, operation, id, response, detail);
}

void SeamPutUnread(Txn* txn, ColumnId column, std::string_view key, std::string_view value) {
  RealPutUnread(txn, column, key, value);
  if (TheSabotage() != Sabotage::kEarlyCollect || column != ColumnId::kGarbage) return;
  if (key.empty() || key[0] != static_cast<char>(mailbox_store::GarbageKind::kBlob)) return;
  std::string_view rest = key.substr(1);
  if (const auto blob = mailbox_store::keys::TakeBlob(rest)) {
    txn->DeleteUnread(ColumnId::kBlobs, mailbox_store::keys::BlobChunk(*blob, 0));
  }
}

void SeamRecordChange(Txn* txn, MailboxChange change) {
  if (TheSabotage() == Sabotage::kEarlyView) staged_changes.push_back(change);
  RealRecordChange(txn, std::move(change));
}

absl::Status SeamCommit(Store* store, const std::vector<Txn*>& txns, kv::Batch& batch, const Store::CommitOptions& options,
                        Done done) {
  std::vector<MailboxChange> changes = std::move(staged_changes);
  staged_changes.clear();
  for (const MailboxChange& change : changes) TheToldEarly().Add(change);
  if (!changes.empty()) RealPublish(&store->hub(), std::move(changes));
  return RealCommit(store, txns, batch, options, std::move(done));
}

void SeamPublish(WatchHub* hub, std::vector<MailboxChange> changes) {
  std::erase_if(changes, [](const MailboxChange& change) { return TheToldEarly().Take(change); });
  RealPublish(hub, std::move(changes));
}

}  // namespace mailmesh::faulty
