#include "services/mailbox_store/engine/removal.h"

#include "common/base/bytes.h"
#include "common/base/status.h"
#include "services/mailbox_store/engine/errors.h"
#include "services/mailbox_store/engine/new_message.h"
#include "services/mailbox_store/engine/page_walk.h"
#include "services/mailbox_store/engine/quota.h"

namespace mailmesh::mailbox_store {
namespace {

struct Totals {
  uint32_t messages = 0;
  uint32_t unseen = 0;
  uint32_t recent = 0;
  uint32_t deleted = 0;
  uint64_t octets = 0;
};

// A page of which more than this goes is written anew; else a delta is.
constexpr uint32_t kMaxDeltaRecords = 16;

class Removal {
 public:
  Removal(Txn& txn, const RemovalOptions& options) : txn_(txn), options_(options) {}

  absl::Status TakePage(const PageWalk& walk, uint32_t recent_from) {
    std::vector<uint32_t> gone;
    for (uint32_t i = walk.NextIndex(0); i < kv::kPageWidth; i = walk.NextIndex(i + 1)) {
      MessageRecord message;
      if (!message.Decode(walk.view().At(i))) return Damaged("message");
      if (options_.only_deleted && (message.flags & kDeleted) == 0) continue;
      const uint32_t uid = walk.base_uid() + i;
      gone.push_back(i);
      removed_.Append(uid);
      ++totals_.messages;
      totals_.octets += message.size;
      totals_.unseen += (message.flags & kSeen) == 0;
      totals_.deleted += (message.flags & kDeleted) != 0;
      totals_.recent += uid >= recent_from;
    }
    if (!gone.empty()) WritePage(walk, gone);
    return absl::OkStatus();
  }

  const UidSet& removed() const { return removed_; }
  const Totals& totals() const { return totals_; }

 private:
  void WritePage(const PageWalk& walk, const std::vector<uint32_t>& gone) {
    kv::PageWriter writer;
    if (gone.size() <= kMaxDeltaRecords && gone.size() < walk.view().Count()) {
      for (uint32_t i : gone) writer.AddRemoved(i);
      txn_.MergePage(ColumnId::kMessages, walk.key(), writer.octets());
      return;
    }
    auto next = gone.begin();
    for (uint32_t i = walk.view().Next(0); i < kv::kPageWidth; i = walk.view().Next(i + 1)) {
      if (next != gone.end() && *next == i) {
        ++next;
      } else {
        writer.Add(i, walk.view().At(i));
      }
    }
    txn_.PutPage(ColumnId::kMessages, walk.key(), writer.octets());
  }

  Txn& txn_;
  const RemovalOptions& options_;
  UidSet removed_;
  Totals totals_;
};

// The collector takes some hundred messages of a row at a time and writes the rest back: a row must not be long.
constexpr size_t kRangesOfARow = 1024;

void NoteForCollector(Txn& txn, MailboxId mailbox, ModSeq modseq, const UidSet& removed) {
  const std::string first = keys::GarbageExpunged(txn.number(), mailbox, modseq);
  UidSet part;
  uint32_t parts = 0;
  auto put = [&] {
    std::string key = first;
    if (parts > 0) base::AppendBigEndian(key, parts);
    txn.PutUnread(ColumnId::kGarbage, key, part.Encode());
    part = UidSet();
    ++parts;
  };
  for (const UidSet::Range& range : removed.ranges()) {
    part.AppendRange(range.first, range.last);
    if (part.ranges().size() >= kRangesOfARow) put();
  }
  if (!part.empty()) put();
}

}  // namespace

absl::StatusOr<UidSet> RemoveMessages(Txn& txn, MailboxId mailbox, const UidSet& uids, const RemovalOptions& options) {
  ASSIGN_OR_RETURN(storage::v1::MailboxRecord * record, txn.EditMailbox(mailbox));
  Removal removal(txn, options);
  if (!options.only_deleted || record->deleted() > 0) {
    PageWalk walk(txn, ColumnId::kMessages, mailbox, uids, record->uid_next());
    while (true) {
      ASSIGN_OR_RETURN(const bool more, walk.Next());
      if (!more) break;
      RETURN_IF_ERROR(removal.TakePage(walk, record->recent_from()));
    }
  }
  if (removal.removed().empty()) return UidSet();
  ASSIGN_OR_RETURN(MailboxChange change, BeginChange(txn, mailbox));
  const Totals& totals = removal.totals();
  record->set_messages(record->messages() - totals.messages);
  record->set_unseen(record->unseen() - totals.unseen);
  record->set_recent(record->recent() - totals.recent);
  record->set_deleted(record->deleted() - totals.deleted);
  record->set_octets(record->octets() - totals.octets);
  CountRemoved(txn.EditRecord(), totals.messages, totals.octets);
  change.modseq = txn.NextModSeq();
  record->set_highest_modseq(change.modseq);
  change.expunged = removal.removed();
  NoteForCollector(txn, mailbox, ModSeq(change.modseq), removal.removed());
  txn.RecordChange(std::move(change));
  return removal.removed();
}

}  // namespace mailmesh::mailbox_store
