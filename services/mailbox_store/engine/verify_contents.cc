#include "services/mailbox_store/engine/verify_contents.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/hash/hash.h"
#include "absl/strings/str_cat.h"
#include "common/base/bytes.h"
#include "common/base/status.h"
#include "services/mailbox_store/engine/digest.h"
#include "services/mailbox_store/engine/errors.h"
#include "services/mailbox_store/engine/keys.h"
#include "services/mailbox_store/engine/message_record.h"
#include "services/mailbox_store/engine/repair.h"
#include "services/mailbox_store/engine/uploads.h"

namespace mailmesh::mailbox_store {
namespace {

using mailbox::v1::VerifyFinding;

// Messages whose references are held in memory at a time: 8 octets each.
constexpr uint64_t kMessagesOfAPass = 4 << 20;
constexpr uint32_t kFirstPrefix = uint32_t{1} << 31;

uint64_t HashOf(std::string_view reference) {
  return absl::Hash<absl::string_view>()(absl::string_view(reference.data(), reference.size()));
}

class ContentsVerifier {
 public:
  ContentsVerifier(Store& store, bool octets, VerifyReport& report)
      : store_(store), octets_(octets), report_(report), snapshot_(store.db()) {}

  absl::Status Run() {
    report_.At("");
    RETURN_IF_ERROR(Contents());
    const uint64_t passes = references_ / kMessagesOfAPass + 1;
    for (uint64_t pass = 0; pass < passes; ++pass) RETURN_IF_ERROR(References(pass, passes));
    return absl::OkStatus();
  }

 private:
  std::unique_ptr<kv::Iterator> Scan(ColumnId column) const {
    return store_.db().NewIterator(store_.column(column), "", "", &snapshot_, /*long_scan=*/true);
  }

  absl::StatusOr<bool> CollectorKnows(const BlobId& blob) const {
    kv::Value value;
    for (GarbageKind kind : {GarbageKind::kBlob, GarbageKind::kUpload}) {
      absl::StatusOr<bool> found =
          store_.db().Get(store_.column(ColumnId::kGarbage), keys::GarbageBlob(kind, blob), &value, &snapshot_);
      if (!found.ok()) return FromKv(std::move(found).status());
      if (*found) return true;
    }
    return store_.uploads().Knows(blob);
  }

  // Both columns have a content's id first: they are walked side by side.
  absl::Status Contents() {
    auto record = Scan(ColumnId::kReferences);
    auto chunk = octets_ ? Scan(ColumnId::kBlobs) : nullptr;
    record->SeekToFirst();
    if (chunk != nullptr) chunk->SeekToFirst();
    for (;;) {
      if (chunk != nullptr && !chunk->Valid()) RETURN_IF_ERROR(PassDamage(*record, *chunk));
      if (!record->Valid() && (chunk == nullptr || !chunk->Valid())) break;
      std::string_view of_record = record->Valid() ? record->key() : std::string_view();
      std::string_view of_chunk = chunk != nullptr && chunk->Valid() ? chunk->key() : std::string_view();
      const std::optional<BlobId> a = keys::TakeBlob(of_record);
      const std::optional<BlobId> b = keys::TakeBlob(of_chunk);
      if ((!a && record->Valid()) || (!b && chunk != nullptr && chunk->Valid())) return Damaged("key of a content");
      const BlobId blob = !b || (a && *a <= *b) ? *a : *b;
      const bool has_record = a && *a == blob;
      if (has_record) RETURN_IF_ERROR(ReadRecord(blob, *record));
      if (b && *b == blob) {
        RETURN_IF_ERROR(ReadChunks(blob, *chunk, has_record));
      } else if (octets_ && has_record && record_ && record_->size > 0 && unreadable_ != blob) {
        RETURN_IF_ERROR(report_.Found(VerifyFinding::KIND_MISSING_CONTENT, "no octets of " + Name(blob)));
      }
      report_.progress().set_contents(report_.progress().contents() + 1);
      RETURN_IF_ERROR(report_.Tick());
    }
    return FromKv(record->status());
  }

  // What is in a damaged file ends the walk over the octets with an error. It is told, and the walk begins again where the next record
  // is, or behind that content, if it is its octets that cannot be read.
  absl::Status PassDamage(const kv::Iterator& record, kv::Iterator& chunk) {
    const absl::Status unreadable = FromKv(chunk.status());
    if (unreadable.ok()) return unreadable;
    const std::string reason(base::Message(unreadable));
    std::string_view key = record.Valid() ? record.key() : std::string_view();
    const std::optional<BlobId> next = keys::TakeBlob(key);
    if (!next) return report_.Found(VerifyFinding::KIND_DAMAGED_RECORD, "octets behind the last content: " + reason);
    chunk.Seek(keys::Blob(*next));
    if (chunk.Valid() || chunk.status().ok()) {
      return report_.Found(VerifyFinding::KIND_DAMAGED_RECORD, "octets before content " + base::IdHex(*next) + ": " + reason);
    }
    referrer_.clear();
    chunk.Seek(kv::PrefixEnd(keys::Blob(*next)));
    unreadable_ = *next;
    return report_.Found(VerifyFinding::KIND_MISSING_CONTENT, absl::StrCat("octets of ", Name(*next), " cannot be read: ", reason));
  }

  std::string Name(const BlobId& blob) const {
    return absl::StrCat("content ", base::IdHex(blob), referrer_.empty() ? "" : ", of message ", referrer_);
  }

  // Leaves the iterator behind the content's last reference.
  absl::Status ReadRecord(const BlobId& blob, kv::Iterator& it) {
    const std::string prefix = keys::Blob(blob);
    uint64_t references = 0;
    record_.reset();
    referrer_.clear();
    for (; it.Valid() && it.key().starts_with(prefix); it.Next()) {
      if (it.key().size() == prefix.size()) {
        BlobRecord record;
        if (!DecodeBlobRecord(it.value(), &record)) {
          RETURN_IF_ERROR(report_.Found(VerifyFinding::KIND_DAMAGED_RECORD, "record of " + Name(blob)));
          continue;
        }
        digest_ = record.digest;
        record.digest = digest_;
        record_ = record;
        continue;
      }
      std::string_view rest = it.key().substr(prefix.size());
      const std::optional<AccountId> account = keys::TakeAccount(rest);
      const auto instance = base::TakeBigEndian<uint64_t>(rest);
      if (references++ == 0 && account && instance) referrer_ = MessageIdText(*account, *instance);
    }
    references_ += references;
    if (references > 0) return absl::OkStatus();
    ASSIGN_OR_RETURN(const bool known, CollectorKnows(blob));
    if (known) return absl::OkStatus();
    return report_.Found(VerifyFinding::KIND_UNREFERENCED_CONTENT, "nobody refers to " + Name(blob),
                         [&] { return CollectBlob(store_, blob); });
  }

  absl::Status ReadChunks(const BlobId& blob, kv::Iterator& it, bool has_record) {
    const std::string prefix = keys::Blob(blob);
    Digest digest;
    uint64_t size = 0;
    for (; it.Valid() && it.key().starts_with(prefix); it.Next()) {
      std::string_view rest = it.key().substr(prefix.size());
      const auto index = base::TakeBigEndian<uint32_t>(rest);
      if (!index) return Damaged("key of a chunk");
      const std::string_view value = it.value();
      if (*index >= kFirstPrefix) continue;  // trace fields over it
      digest.Update(value);
      size += value.size();
      report_.progress().set_content_bytes(report_.progress().content_bytes() + value.size());
      RETURN_IF_ERROR(report_.Tick());
    }
    // An error is that of the octets behind these, where these are whole: left to PassDamage.
    const bool whole = has_record && record_ && size == record_->size;
    if (const absl::Status status = FromKv(it.status()); !status.ok() && !whole) {
      it.Seek(kv::PrefixEnd(prefix));
      return report_.Found(VerifyFinding::KIND_MISSING_CONTENT,
                           absl::StrCat("octets of ", Name(blob), " cannot be read: ", std::string(base::Message(status))));
    }
    if (!has_record) {
      ASSIGN_OR_RETURN(const bool known, CollectorKnows(blob));
      if (known) return absl::OkStatus();
      return report_.Found(VerifyFinding::KIND_UNREFERENCED_CONTENT, "octets without a record: " + Name(blob),
                           [&] { return CollectBlob(store_, blob); });
    }
    if (!record_) return absl::OkStatus();  // told already
    if (size != record_->size) {
      return report_.Found(VerifyFinding::KIND_MISSING_CONTENT,
                           absl::StrCat(size, " octets of ", record_->size, " of ", Name(blob)));
    }
    if (digest.Finish() == record_->digest) return absl::OkStatus();
    return report_.Found(VerifyFinding::KIND_WRONG_DIGEST, "other octets than were stored: " + Name(blob));
  }

  // References that no message has. Those whose hash falls to this pass: memory is bounded, whatever the store's size.
  absl::Status References(uint64_t pass, uint64_t passes) {
    std::vector<uint64_t> held;
    auto entries = Scan(ColumnId::kEntries);
    for (entries->SeekToFirst(); entries->Valid(); entries->Next()) {
      std::string_view key = entries->key();
      const std::optional<AccountId> account = keys::TakeAccount(key);
      kv::PageReader page(entries->value());
      while (account && page.Next()) {
        EntryRecord entry;
        if (!entry.Decode(page.payload())) continue;  // told by its mailbox
        const uint64_t hash = HashOf(keys::Reference(entry.blob, *account, entry.instance));
        if (hash % passes == pass) held.push_back(hash);
      }
      RETURN_IF_ERROR(report_.Tick());
    }
    RETURN_IF_ERROR(FromKv(entries->status()));
    std::sort(held.begin(), held.end());
    auto it = Scan(ColumnId::kReferences);
    for (it->SeekToFirst(); it->Valid(); it->Next()) {
      std::string_view rest = it->key();
      const std::optional<BlobId> blob = keys::TakeBlob(rest);
      if (!blob || rest.empty()) continue;
      const uint64_t hash = HashOf(it->key());
      if (hash % passes != pass || std::binary_search(held.begin(), held.end(), hash)) continue;
      const std::string reference(it->key());
      referrer_.clear();
      RETURN_IF_ERROR(report_.Found(VerifyFinding::KIND_STALE_REFERENCE,
                                    "a message that is not there holds " + Name(*blob),
                                    [&] { return CollectBlob(store_, *blob, reference); }));
    }
    return FromKv(it->status());
  }

  Store& store_;
  const bool octets_;
  VerifyReport& report_;
  const kv::Snapshot snapshot_;
  uint64_t references_ = 0;
  std::optional<BlobId> unreadable_;  // told already
  // Of the content that is looked at.
  std::optional<BlobRecord> record_;
  std::string digest_;
  std::string referrer_;
};

}  // namespace

absl::Status VerifyContents(Store& store, bool octets, VerifyReport& report) {
  return ContentsVerifier(store, octets, report).Run();
}

}  // namespace mailmesh::mailbox_store
