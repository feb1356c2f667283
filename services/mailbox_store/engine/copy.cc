#include "services/mailbox_store/engine/copy.h"

#include <utility>
#include <vector>

#include "common/base/status.h"
#include "common/text/ascii.h"
#include "services/mailbox_store/engine/errors.h"
#include "services/mailbox_store/engine/new_message.h"
#include "services/mailbox_store/engine/page_walk.h"
#include "services/mailbox_store/engine/quota.h"
#include "services/mailbox_store/engine/store.h"

namespace mailmesh::mailbox_store {
namespace {

// Beyond this many messages entries and summaries are written ahead.
constexpr size_t kManyMessages = 2000;
constexpr size_t kAheadOctets = 4 << 20;

struct Copied {
  uint32_t from_uid;
  uint32_t to_uid;
  uint64_t instance;
  MessageRecord record;
};

class Copier {
 public:
  Copier(Txn& txn, MailboxId from, MailboxId to, const CopyOptions& options)
      : txn_(txn), from_(from), to_(to), options_(options) {}

  absl::StatusOr<CopiedUids> Run(const UidSet& uids) {
    RETURN_IF_ERROR(Collect(uids));
    CopiedUids result;
    if (messages_.empty()) return result;
    if (!options_.moves) RETURN_IF_ERROR(CheckQuota(txn_, messages_.size(), octets_));
    ASSIGN_OR_RETURN(MailboxChange change, BeginChange(txn_, to_));
    RETURN_IF_ERROR(MapKeywords(&change));
    RETURN_IF_ERROR(Assign(&change, &result));
    ahead_ = messages_.size() > kManyMessages;
    RETURN_IF_ERROR(CopyEntries());
    for (SummaryKind kind : kSummaryKinds) RETURN_IF_ERROR(CopySummaries(kind));
    RETURN_IF_ERROR(FlushAhead());
    for (const Write& write : writes_) txn_.MergePage(write.column, write.key, write.delta);
    WriteRecords();
    txn_.RecordChange(std::move(change));
    return result;
  }

 private:
  struct Write {
    ColumnId column;
    std::string key;
    std::string delta;
  };

  absl::Status Collect(const UidSet& uids) {
    ASSIGN_OR_RETURN(const storage::v1::MailboxRecord* record, txn_.Mailbox(from_));
    PageWalk walk(txn_, ColumnId::kMessages, from_, uids, record->uid_next());
    while (true) {
      ASSIGN_OR_RETURN(const bool more, walk.Next());
      if (!more) return absl::OkStatus();
      for (uint32_t i = walk.NextIndex(0); i < kv::kPageWidth; i = walk.NextIndex(i + 1)) {
        Copied message{walk.base_uid() + i, 0, 0, {}};
        if (!message.record.Decode(walk.view().At(i))) return Damaged("message");
        octets_ += message.record.size;
        messages_.push_back(message);
      }
    }
  }

  // Keyword i of the source is which of the target; those for which there is no room are left off.
  absl::Status MapKeywords(MailboxChange* change) {
    Flags used = 0;
    for (const Copied& message : messages_) used |= message.record.flags;
    ASSIGN_OR_RETURN(const storage::v1::MailboxRecord* from, txn_.Mailbox(from_));
    ASSIGN_OR_RETURN(storage::v1::MailboxRecord * to, txn_.EditMailbox(to_));
    bool added = false;
    for (int i = 0; i < from->keywords_size() && i < kMaxKeywords; ++i) {
      if ((used >> (kFirstKeywordBit + i) & 1) == 0) continue;
      int at = 0;
      while (at < to->keywords_size() && !text::EqualsIgnoreAsciiCase(to->keywords(at), from->keywords(i))) ++at;
      if (at == to->keywords_size()) {
        if (at >= kMaxKeywords) continue;
        to->add_keywords(std::string(from->keywords(i)));
        added = true;
      }
      keyword_map_.emplace_back(Flags{1} << (kFirstKeywordBit + i), Flags{1} << (kFirstKeywordBit + at));
    }
    if (added) change->keywords.assign(to->keywords().begin(), to->keywords().end());
    return absl::OkStatus();
  }

  absl::Status Assign(MailboxChange* change, CopiedUids* result) {
    ASSIGN_OR_RETURN(storage::v1::MailboxRecord * to, txn_.EditMailbox(to_));
    if (to->uid_next() >= kMaxUid - messages_.size()) return LimitReached("UIDs of a mailbox");
    const uint64_t modseq = txn_.NextModSeq();
    change->messages.reserve(messages_.size());
    for (Copied& message : messages_) {
      Flags flags = message.record.flags & kSystemFlags;
      for (const auto& [source, target] : keyword_map_) {
        if ((message.record.flags & source) != 0) flags |= target;
      }
      message.record.flags = flags;
      message.record.modseq = modseq;
      message.to_uid = to->uid_next();
      message.instance = txn_.NextInstance();
      to->set_uid_next(message.to_uid + 1);
      to->set_messages(to->messages() + 1);
      to->set_recent(to->recent() + 1);
      to->set_unseen(to->unseen() + ((flags & kSeen) == 0));
      to->set_deleted(to->deleted() + ((flags & kDeleted) != 0));
      to->set_octets(to->octets() + message.record.size);
      change->messages.push_back(ViewMessage{message.to_uid, flags, modseq});
      result->source.Append(message.from_uid);
      result->destination.Append(message.to_uid);
    }
    CountAdded(txn_.EditRecord(), messages_.size(), octets_);
    to->set_highest_modseq(modseq);
    if (txn_.store().KeepsArrivals()) to->set_last_arrival_seconds(txn_.store().NowSeconds());
    change->modseq = modseq;
    change->uid_next = to->uid_next();
    return absl::OkStatus();
  }

  // Calls add(message, payload) for each message's record in a paged column, and writes the pages that come of it.
  template <class MakeKey, class Transform>
  absl::Status CopyColumn(ColumnId column, uint32_t bits, MakeKey make_key, Transform transform) {
    const uint32_t mask = (1u << bits) - 1;
    uint32_t page_number = kMaxUid;
    std::unique_ptr<StagedPage> page;
    kv::PageWriter delta;
    for (size_t i = 0; i < messages_.size(); ++i) {
      const Copied& message = messages_[i];
      if (message.from_uid >> bits != page_number) {
        page_number = message.from_uid >> bits;
        page = std::make_unique<StagedPage>();
        RETURN_IF_ERROR(txn_.ReadPage(column, make_key(from_, page_number), page.get()));
      }
      const uint32_t index = message.from_uid & mask;
      if (!page->view.Has(index)) return Damaged("record of a message that is copied");
      ASSIGN_OR_RETURN(const std::string payload, transform(message, page->view.At(index)));
      delta.Add(message.to_uid & mask, payload);
      if (i + 1 == messages_.size() || messages_[i + 1].to_uid >> bits != message.to_uid >> bits) {
        RETURN_IF_ERROR(WriteDelta(column, make_key(to_, message.to_uid >> bits), delta.Take()));
        delta = kv::PageWriter();
      }
    }
    return absl::OkStatus();
  }

  absl::Status CopyEntries() {
    auto key = [this](MailboxId mailbox, uint32_t page) { return keys::Page(txn_.number(), mailbox, page); };
    auto transform = [this](const Copied& message, std::string_view payload) -> absl::StatusOr<std::string> {
      EntryRecord entry;
      if (!entry.Decode(payload)) return Damaged("entry");
      entry.instance = message.instance;
      entry.save_seconds = txn_.store().NowSeconds();
      txn_.PutUnread(ColumnId::kReferences, keys::Reference(entry.blob, txn_.number(), entry.instance), "");
      return entry.Encode();
    };
    return CopyColumn(ColumnId::kEntries, kPageBits, key, transform);
  }

  absl::Status CopySummaries(SummaryKind kind) {
    auto key = [this, kind](MailboxId mailbox, uint32_t page) {
      return keys::SummaryPage(txn_.number(), mailbox, kind, page);
    };
    auto transform = [](const Copied&, std::string_view payload) -> absl::StatusOr<std::string> {
      return std::string(payload);
    };
    return CopyColumn(ColumnId::kSummaries, kSummaryPageBits, key, transform);
  }

  absl::Status WriteDelta(ColumnId column, std::string key, std::string delta) {
    if (!ahead_) {
      // Applied at the end: the pages that are read may be those that are written.
      writes_.push_back(Write{column, std::move(key), std::move(delta)});
      return absl::OkStatus();
    }
    ahead_batch_.Merge(txn_.store().column(column), key, delta);
    return ahead_batch_.octets() < kAheadOctets ? absl::OkStatus() : FlushAhead();
  }

  // What is written ahead is invisible: the mailbox's pages of messages do not have these UIDs yet. Should the commit not
  // come, later messages of these UIDs write over it.
  absl::Status FlushAhead() {
    if (ahead_batch_.empty()) return absl::OkStatus();
    kv::Commit commit;
    commit.batch = std::exchange(ahead_batch_, kv::Batch());
    commit.sync = false;
    return FromKv(txn_.store().pipeline().Write(std::move(commit)));
  }

  void WriteRecords() {
    kv::PageWriter delta;
    for (size_t i = 0; i < messages_.size(); ++i) {
      const Copied& message = messages_[i];
      delta.Add(message.to_uid & (kv::kPageWidth - 1), message.record.Encode());
      if (i + 1 == messages_.size() || messages_[i + 1].to_uid >> kPageBits != message.to_uid >> kPageBits) {
        txn_.MergePage(ColumnId::kMessages, keys::Page(txn_.number(), to_, message.to_uid >> kPageBits), delta.octets());
        delta = kv::PageWriter();
      }
    }
  }

  Txn& txn_;
  const MailboxId from_;
  const MailboxId to_;
  const CopyOptions options_;
  std::vector<Copied> messages_;
  uint64_t octets_ = 0;
  std::vector<std::pair<Flags, Flags>> keyword_map_;
  std::vector<Write> writes_;
  bool ahead_ = false;
  kv::Batch ahead_batch_;
};

}  // namespace

absl::StatusOr<CopiedUids> CopyTo(Txn& txn, MailboxId from, const UidSet& uids, MailboxId to, const CopyOptions& options) {
  return Copier(txn, from, to, options).Run(uids);
}

}  // namespace mailmesh::mailbox_store
