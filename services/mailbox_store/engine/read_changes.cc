// What happened after a MODSEQ, from the change records, or, where they are gone or too many, from the messages themselves.

#include "common/base/status.h"
#include "services/mailbox_store/engine/errors.h"
#include "services/mailbox_store/engine/reads.h"

namespace mailmesh::mailbox_store {
namespace {

// Beyond this many change records looking at all messages is cheaper: 10 octets each, in order.
constexpr size_t kMaxRecords = 4096;

// Joins the sets of all records of one kind after `after`. False: more than `limit`.
absl::StatusOr<bool> Join(const ReadScope& scope, MailboxId mailbox, ChangeKind kind, uint64_t after, size_t limit,
                          UidSet* uids) {
  auto it = scope.Scan(ColumnId::kChanges, keys::Change(scope.account(), mailbox, kind, ModSeq(after + 1)),
                       kv::PrefixEnd(keys::SummaryPrefix(scope.account(), mailbox, static_cast<SummaryKind>(kind))));
  UidSet pending;
  size_t records = 0;
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    if (++records > limit) return false;
    UidSet one;
    if (!UidSet::Decode(it->value(), &one)) return Damaged("change");
    // Deliveries ascend and join without sorting; the others are joined in heaps.
    if (!one.empty() && (pending.empty() || one.ranges().front().first > pending.ranges().back().last)) {
      for (const UidSet::Range& range : one.ranges()) pending.AppendRange(range.first, range.last);
    } else {
      uids->Add(pending);
      pending = std::move(one);
    }
  }
  RETURN_IF_ERROR(FromKv(it->status()));
  uids->Add(pending);
  return true;
}

}  // namespace

absl::StatusOr<MailboxChange> ReadChanges(Store& store, std::string_view account_id, MailboxId mailbox,
                                          uint64_t after_modseq) {
  ASSIGN_OR_RETURN(const auto scope, ReadScope::Open(store, account_id));
  ASSIGN_OR_RETURN(const storage::v1::MailboxRecord record, scope->Mailbox(mailbox));
  MailboxChange change;
  change.account = scope->account();
  change.mailbox = mailbox;
  change.before_modseq = after_modseq;
  change.modseq = record.highest_modseq();
  change.uid_next = record.uid_next();
  change.keywords.assign(record.keywords().begin(), record.keywords().end());
  if (after_modseq > record.highest_modseq()) return absl::OutOfRangeError("the view is ahead of the mailbox");
  if (after_modseq == record.highest_modseq()) return change;
  RETURN_IF_ERROR(Join(*scope, mailbox, ChangeKind::kExpunged, after_modseq, SIZE_MAX, &change.expunged));
  UidSet changed;
  bool known = after_modseq >= record.changes_from();
  if (known) {
    ASSIGN_OR_RETURN(known, Join(*scope, mailbox, ChangeKind::kChanged, after_modseq, kMaxRecords, &changed));
  }
  if (!known) changed = UidSet::All();
  MessageScan scan(*scope, mailbox, changed);
  while (true) {
    ASSIGN_OR_RETURN(const bool more, scan.Next());
    if (!more) return change;
    if (scan.record().modseq <= after_modseq) continue;
    if (change.messages.size() >= kMaxChangeMessages) return absl::OutOfRangeError("too many changes");
    change.messages.push_back(ViewMessage{scan.uid(), scan.record().flags, scan.record().modseq});
  }
}

}  // namespace mailmesh::mailbox_store
