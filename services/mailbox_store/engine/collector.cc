#include "services/mailbox_store/engine/collector.h"

#include <rocksdb/db.h>

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "common/base/status.h"
#include "services/mailbox_store/engine/digest.h"
#include "services/mailbox_store/engine/errors.h"
#include "services/mailbox_store/engine/page_walk.h"
#include "services/mailbox_store/engine/read_scope.h"
#include "services/mailbox_store/engine/txn.h"
#include "services/mailbox_store/engine/uploads.h"

namespace mailmesh::mailbox_store {
namespace {

// Messages of one commit: an account is locked no longer than these take.
constexpr uint32_t kMessagesOfACommit = 512;
constexpr uint64_t kWorthCompacting = 256 << 20;
const absl::Duration kCompactionInterval = absl::Hours(1);

struct MailboxKey {
  AccountId account;
  MailboxId mailbox;
};

std::optional<MailboxKey> ParseMailboxKey(std::string_view key) {
  key.remove_prefix(1);
  const std::optional<AccountId> account = keys::TakeAccount(key);
  const std::optional<MailboxId> mailbox = account ? keys::TakeMailbox(key) : std::nullopt;
  if (!mailbox) return std::nullopt;
  return MailboxKey{*account, *mailbox};
}

// Which pages of summaries lose their last message with `removed`; true: the page of entries does.
bool FindEmptyPages(const PageWalk& walk, const UidSet& removed, std::set<uint32_t>* empty_pages) {
  std::set<uint32_t> touched;
  std::set<uint32_t> kept;
  for (uint32_t i = walk.view().Next(0); i < kv::kPageWidth; i = walk.view().Next(i + 1)) {
    const uint32_t uid = walk.base_uid() + i;
    (removed.Contains(uid) ? touched : kept).insert(uid >> kSummaryPageBits);
  }
  for (uint32_t page : touched) {
    if (!kept.contains(page)) empty_pages->insert(page);
  }
  return kept.empty();
}

}  // namespace

void Collector::Start() {
  thread_ = std::thread([this] { Loop(); });
}

void Collector::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stop_ = true;
  }
  if (thread_.joinable()) thread_.join();
}

void Collector::Loop() {
  bool failing = false;
  while (true) {
    const absl::StatusOr<bool> more = RunOnce();
    if (!more.ok() && !failing && options_.on_error) options_.on_error(more.status());
    failing = !more.ok();
    absl::MutexLock lock(&mutex_);
    if (mutex_.AwaitWithTimeout(absl::Condition(&stop_), more.ok() && *more ? options_.pause : options_.idle_pause)) return;
  }
}

absl::Status Collector::Write(kv::Batch batch) {
  if (batch.empty()) return absl::OkStatus();
  kv::Commit commit;
  commit.batch = std::move(batch);
  commit.sync = false;
  commit.grows = false;
  return FromKv(store_.pipeline().Write(std::move(commit)));
}

absl::StatusOr<bool> Collector::ForRows(
    GarbageKind kind, int* units,
    const std::function<absl::StatusOr<bool>(std::string_view key, std::string_view value, int* units)>& handle) {
  const std::string prefix(1, static_cast<char>(kind));
  auto it = store_.db().NewIterator(store_.column(ColumnId::kGarbage), prefix, kv::PrefixEnd(prefix));
  // From where the round before ended: what is behind it is mostly what was deleted, and the database steps over each of
  // those again.
  std::string& from = resume_[kind];
  const bool whole = from.empty();
  for (it->Seek(whole ? prefix : from); it->Valid(); it->Next()) {
    from = it->key();
    if (*units <= 0) return false;
    ASSIGN_OR_RETURN(const bool finished, handle(it->key(), it->value(), units));
    if (!finished) return false;
  }
  RETURN_IF_ERROR(FromKv(it->status()));
  from.clear();
  return whole;
}

absl::StatusOr<bool> Collector::RunOnce() {
  int units = options_.units;
  ASSIGN_OR_RETURN(const int expired, store_.uploads().CollectExpired());
  units -= expired;
  bool all = true;
  auto account = [this](std::string_view key, std::string_view, int*) { return Account(key); };
  auto changes = [this](std::string_view key, std::string_view, int*) { return Changes(key); };
  auto mailbox = [this](std::string_view key, std::string_view, int* left) { return Mailbox(key, left); };
  auto expunged = [this](std::string_view key, std::string_view value, int* left) { return Expunged(key, value, left); };
  ASSIGN_OR_RETURN(const bool accounts_done, ForRows(GarbageKind::kAccount, &units, account));
  ASSIGN_OR_RETURN(const bool changes_done, ForRows(GarbageKind::kChanges, &units, changes));
  ASSIGN_OR_RETURN(const bool mailboxes_done, ForRows(GarbageKind::kMailbox, &units, mailbox));
  ASSIGN_OR_RETURN(const bool expunged_done, ForRows(GarbageKind::kExpunged, &units, expunged));
  all = accounts_done && changes_done && mailboxes_done && expunged_done;
  // A content that is a candidate already may have become one again in a commit that is under way: taking the older row away after
  // that would lose the newer.
  RETURN_IF_ERROR(FromKv(store_.pipeline().Flush()));
  RETURN_IF_ERROR(Blobs(&units));
  RETURN_IF_ERROR(CompactIfWorthIt());
  return !all || units <= 0;
}

// Works through the account's lock and head, as every operation does: others may be writing to the same pages.
absl::StatusOr<bool> Collector::Expunged(std::string_view key, std::string_view value, int* units) {
  const std::optional<MailboxKey> id = ParseMailboxKey(key);
  UidSet uids;
  if (!id || !UidSet::Decode(value, &uids)) return Damaged("garbage");
  ASSIGN_OR_RETURN(const AccountPtr account, store_.FindAccountByNumber(id->account));
  // As many as one commit takes; the rest stays in the row.
  UidSet now;
  UidSet later;
  uint64_t room = kMessagesOfACommit;
  for (const UidSet::Range& range : uids.ranges()) {
    const uint64_t size = static_cast<uint64_t>(range.last) - range.first + 1;
    const auto taken = static_cast<uint32_t>(std::min(size, room));
    if (taken > 0) now.AppendRange(range.first, range.first + taken - 1);
    if (taken < size) later.AppendRange(range.first + taken, range.last);
    room -= taken;
  }
  absl::MutexLock lock(&account->mutex);
  kv::Batch batch;
  Txn txn(store_, account, &batch);
  const absl::Status begun = txn.Begin();
  absl::StatusOr<const storage::v1::MailboxRecord*> mailbox = begun.ok() ? txn.Mailbox(id->mailbox) : begun;
  if (absl::IsNotFound(mailbox.status())) {
    // The whole mailbox, or account, is being collected.
    txn.DeleteUnread(ColumnId::kGarbage, key);
  } else if (!mailbox.ok()) {
    return mailbox.status();
  } else {
    PageWalk walk(txn, ColumnId::kEntries, id->mailbox, now, (*mailbox)->uid_next());
    std::vector<std::pair<std::string, std::string>> entry_deltas;
    UidSet removed;
    // Pages of summaries of which nothing stays: they are deleted rather than emptied.
    std::set<uint32_t> empty_pages;
    while (true) {
      ASSIGN_OR_RETURN(const bool more, walk.Next());
      if (!more) break;
      kv::PageWriter delta;
      for (uint32_t i = walk.NextIndex(0); i < kv::kPageWidth; i = walk.NextIndex(i + 1)) {
        EntryRecord entry;
        if (!entry.Decode(walk.view().At(i))) return Damaged("entry");
        txn.DeleteUnread(ColumnId::kReferences, keys::Reference(entry.blob, id->account, entry.instance));
        txn.PutUnread(ColumnId::kGarbage, keys::GarbageBlob(GarbageKind::kBlob, entry.blob), "");
        removed.Append(walk.base_uid() + i);
        delta.AddRemoved(i);
      }
      const bool all = FindEmptyPages(walk, removed, &empty_pages);
      entry_deltas.emplace_back(walk.key(), all ? std::string() : delta.Take());
    }
    for (const auto& [page, delta] : entry_deltas) {
      if (delta.empty()) {
        txn.PutPage(ColumnId::kEntries, page, "");
      } else {
        txn.MergePage(ColumnId::kEntries, page, delta);
      }
    }
    for (SummaryKind kind : kSummaryKinds) {
      kv::PageWriter delta;
      uint32_t page = kMaxUid;
      auto flush = [&] {
        if (empty_pages.contains(page)) {
          txn.PutPage(ColumnId::kSummaries, keys::SummaryPage(id->account, id->mailbox, kind, page), "");
        } else if (!delta.empty()) {
          txn.MergePage(ColumnId::kSummaries, keys::SummaryPage(id->account, id->mailbox, kind, page), delta.octets());
        }
        delta = kv::PageWriter();
      };
      for (uint32_t uid = removed.NextMember(1); uid != 0; uid = removed.NextMember(uid + 1)) {
        if (uid >> kSummaryPageBits != page) flush();
        page = uid >> kSummaryPageBits;
        delta.AddRemoved(uid & ((1u << kSummaryPageBits) - 1));
      }
      flush();
    }
    if (later.empty()) {
      txn.DeleteUnread(ColumnId::kGarbage, key);
    } else {
      txn.PutUnread(ColumnId::kGarbage, key, later.Encode());
    }
    *units -= static_cast<int>(removed.size()) + 1;
    collected_messages_ += removed.size();
  }
  Store::CommitOptions options;
  options.sync = false;
  options.grows = false;
  options.wait = true;
  RETURN_IF_ERROR(store_.Commit({&txn}, batch, options, nullptr));
  return later.empty();
}

// Nobody writes to a mailbox that was deleted, and its number is never given again: no lock.
absl::StatusOr<bool> Collector::Mailbox(std::string_view key, int* units) {
  const std::optional<MailboxKey> id = ParseMailboxKey(key);
  if (!id) return Damaged("garbage");
  const std::string prefix = keys::Mailbox(id->account, id->mailbox);
  const std::string end = kv::PrefixEnd(prefix);
  kv::Batch batch;
  auto it = store_.db().NewIterator(store_.column(ColumnId::kEntries), prefix, end, nullptr, /*long_scan=*/true);
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    if (*units <= 0) {
      RETURN_IF_ERROR(Write(std::move(batch)));
      return false;
    }
    kv::PageReader page(it->value());
    while (page.Next()) {
      EntryRecord entry;
      if (!entry.Decode(page.payload())) return Damaged("entry");
      batch.Delete(store_.column(ColumnId::kReferences), keys::Reference(entry.blob, id->account, entry.instance));
      batch.Put(store_.column(ColumnId::kGarbage), keys::GarbageBlob(GarbageKind::kBlob, entry.blob), "");
      --*units;
      ++collected_messages_;
    }
    if (page.damaged()) return Damaged("page of entries");
    batch.Delete(store_.column(ColumnId::kEntries), it->key());
  }
  RETURN_IF_ERROR(FromKv(it->status()));
  for (ColumnId column : {ColumnId::kMessages, ColumnId::kSummaries, ColumnId::kChanges}) {
    batch.DeleteRange(store_.column(column), prefix, end);
  }
  batch.Delete(store_.column(ColumnId::kGarbage), key);
  RETURN_IF_ERROR(Write(std::move(batch)));
  return true;
}

absl::StatusOr<bool> Collector::Account(std::string_view key) {
  std::string_view rest = key.substr(1);
  const std::optional<AccountId> account = keys::TakeAccount(rest);
  if (!account) return Damaged("garbage");
  const std::string prefix = keys::Account(*account);
  const std::string end = kv::PrefixEnd(prefix);
  kv::Batch batch;
  auto it = store_.db().NewIterator(store_.column(ColumnId::kMailboxes), prefix, end);
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    std::string_view id = it->key().substr(prefix.size());
    if (const std::optional<MailboxId> mailbox = keys::TakeMailbox(id)) {
      batch.Put(store_.column(ColumnId::kGarbage), keys::GarbageMailbox(*account, *mailbox), "");
    }
  }
  RETURN_IF_ERROR(FromKv(it->status()));
  for (ColumnId column :
       {ColumnId::kMailboxes, ColumnId::kNames, ColumnId::kRequests, ColumnId::kJobs, ColumnId::kSeenIds}) {
    batch.DeleteRange(store_.column(column), prefix, end);
  }
  batch.Delete(store_.column(ColumnId::kGarbage), key);
  RETURN_IF_ERROR(Write(std::move(batch)));
  return true;
}

absl::StatusOr<bool> Collector::Changes(std::string_view key) {
  const std::optional<MailboxKey> id = ParseMailboxKey(key);
  if (!id) return Damaged("garbage");
  ASSIGN_OR_RETURN(const AccountPtr account, store_.FindAccountByNumber(id->account));
  absl::MutexLock lock(&account->mutex);
  kv::Batch batch;
  Txn txn(store_, account, &batch);
  const absl::Status begun = txn.Begin();
  absl::StatusOr<storage::v1::MailboxRecord*> mailbox = begun.ok() ? txn.EditMailbox(id->mailbox) : begun;
  if (!mailbox.ok() && !absl::IsNotFound(mailbox.status())) return mailbox.status();
  txn.DeleteUnread(ColumnId::kGarbage, key);
  if (mailbox.ok()) {
    const std::string lower = keys::Change(id->account, id->mailbox, ChangeKind::kChanged, ModSeq());
    auto it = store_.db().NewIterator(store_.column(ColumnId::kChanges), lower,
                                      keys::Change(id->account, id->mailbox, ChangeKind::kExpunged, ModSeq()));
    uint32_t trimmed = 0;
    for (it->SeekToFirst(); it->Valid() && trimmed < kMaxChangeRecords / 2; it->Next(), ++trimmed) {
      (*mailbox)->set_changes_from(keys::ModSeqOf(it->key()).value());
      txn.DeleteUnread(ColumnId::kChanges, it->key());
    }
    RETURN_IF_ERROR(FromKv(it->status()));
    (*mailbox)->set_changes((*mailbox)->changes() - std::min(trimmed, (*mailbox)->changes()));
  }
  Store::CommitOptions options;
  options.sync = false;
  options.grows = false;
  options.wait = true;
  RETURN_IF_ERROR(store_.Commit({&txn}, batch, options, nullptr));
  return true;
}

absl::StatusOr<bool> Collector::Blob(std::string_view key, kv::Batch* batch) {
  std::string_view rest = key.substr(1);
  const std::optional<BlobId> blob = keys::TakeBlob(rest);
  if (!blob) return Damaged("garbage");
  // Once the upload is forgotten it becomes a candidate again.
  batch->Delete(store_.column(ColumnId::kGarbage), key);
  if (store_.uploads().Knows(*blob)) return false;
  const std::string prefix = keys::Blob(*blob);
  std::optional<uint64_t> size;
  auto references = store_.db().NewIterator(store_.column(ColumnId::kReferences), prefix, kv::PrefixEnd(prefix));
  for (references->SeekToFirst(); references->Valid(); references->Next()) {
    if (references->key().size() > prefix.size()) return false;  // somebody refers to it
    BlobRecord record;
    if (!DecodeBlobRecord(references->value(), &record)) return Damaged("blob");
    size = record.size;
  }
  RETURN_IF_ERROR(FromKv(references->status()));
  batch->Delete(store_.column(ColumnId::kReferences), prefix);
  // By the number of chunks, for walking over contents reads them. An upload that was not finished has no record; trace fields
  // over an upload have numbers of their own.
  const uint64_t chunks = size ? (*size + kChunkSize - 1) / kChunkSize : 0;
  for (uint64_t i = 0; i < chunks; ++i) {
    batch->Delete(store_.column(ColumnId::kBlobs), keys::BlobChunk(*blob, static_cast<uint32_t>(i)));
  }
  auto rest_of_it = store_.db().NewIterator(store_.column(ColumnId::kBlobs),
                                            size ? keys::BlobPrefix(*blob, 0) : prefix, kv::PrefixEnd(prefix));
  for (rest_of_it->SeekToFirst(); rest_of_it->Valid(); rest_of_it->Next()) {
    batch->Delete(store_.column(ColumnId::kBlobs), rest_of_it->key());
  }
  RETURN_IF_ERROR(FromKv(rest_of_it->status()));
  ++collected_blobs_;
  return true;
}

absl::Status Collector::Blobs(int* units) {
  kv::Batch batch;
  auto handle = [&](std::string_view key, std::string_view, int* left) -> absl::StatusOr<bool> {
    --*left;
    RETURN_IF_ERROR(Blob(key, &batch));
    return true;
  };
  RETURN_IF_ERROR(ForRows(GarbageKind::kBlob, units, handle));
  return Write(std::move(batch));
}

absl::Status Collector::CompactIfWorthIt() {
  const absl::Time now = store_.clock().Now();
  if (now - last_compaction_ < kCompactionInterval) return absl::OkStatus();
  uint64_t size = 0;
  uint64_t garbage = 0;
  rocksdb::ColumnFamilyHandle* blobs = store_.column(ColumnId::kBlobs).handle;
  store_.db().raw().GetIntProperty(blobs, "rocksdb.live-blob-file-size", &size);
  store_.db().raw().GetIntProperty(blobs, "rocksdb.live-blob-file-garbage-size", &garbage);
  if (garbage < kWorthCompacting || garbage * 2 < size) return absl::OkStatus();
  last_compaction_ = now;
  return FromKv(store_.db().CompactWhole(store_.column(ColumnId::kBlobs)));
}

}  // namespace mailmesh::mailbox_store
