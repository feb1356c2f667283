#include "services/mailbox_store/engine/uploads.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "common/base/random.h"
#include "common/base/status.h"
#include "services/mailbox_store/engine/errors.h"
#include "services/mailbox_store/engine/store.h"

namespace mailmesh::mailbox_store {

Uploads::Writer::Writer(Store& store) : store_(store), blob_(base::NewId(store.clock())) { buffer_.reserve(kChunkSize); }

Uploads::Writer::~Writer() {
  if (!finished_) store_.uploads().Abandon(blob_);
}

absl::StatusOr<std::unique_ptr<Uploads::Writer>> Uploads::Begin() {
  auto writer = std::unique_ptr<Writer>(new Writer(store_));
  std::vector<BlobId> old;
  bool full = false;
  {
    absl::MutexLock lock(&mutex_);
    const absl::Time now = store_.clock().Now();
    if (Full()) old = TakeOut(absl::InfinitePast(), now - kRepetitionTime);
    full = Full();
    if (!full) uploads_[base::IdText(writer->blob_)] = Entry{nullptr, now};
  }
  if (full) writer->finished_ = true;  // nothing to abandon
  RETURN_IF_ERROR(HandToCollector(old));
  if (full) return Overloaded("too many uploads");
  // First in the log: chunks without it would never be found again.
  kv::Commit commit;
  commit.sync = false;
  commit.batch.Put(store_.column(ColumnId::kGarbage), keys::GarbageBlob(GarbageKind::kUpload, writer->blob_), "");
  RETURN_IF_ERROR(FromKv(store_.pipeline().Submit(std::move(commit))));
  return writer;
}

absl::Status Uploads::Writer::Append(std::string_view octets) {
  if (octets.size() > store_.options().max_message_bytes - std::min(size_, store_.options().max_message_bytes)) {
    return TooLarge("upload");
  }
  size_ += octets.size();
  summary_.Feed(octets);
  digest_.Update(octets);
  while (!octets.empty()) {
    const size_t taken = std::min(octets.size(), kChunkSize - buffer_.size());
    buffer_.append(octets.substr(0, taken));
    octets.remove_prefix(taken);
    if (buffer_.size() == kChunkSize) RETURN_IF_ERROR(WriteChunk());
  }
  return absl::OkStatus();
}

absl::Status Uploads::Writer::WriteChunk() {
  kv::Commit commit;
  commit.sync = false;
  commit.batch.Put(store_.column(ColumnId::kBlobs), keys::BlobChunk(blob_, chunks_++), buffer_);
  buffer_.clear();
  // Waiting for room is the back-pressure on the stream: it ends when the disk has taken what is queued.
  return FromKv(store_.pipeline().SubmitWaiting(std::move(commit)));
}

absl::StatusOr<std::string> Uploads::Writer::Finish() {
  if (!buffer_.empty()) RETURN_IF_ERROR(WriteChunk());
  kv::Commit commit;
  commit.sync = false;
  commit.batch.Put(store_.column(ColumnId::kReferences), keys::Blob(blob_), EncodeBlobRecord(size_, digest_.Finish()));
  // A failed chunk would be noticed by the commit of the message too, for a failed write ends the database; waiting here only
  // tells the caller earlier.
  RETURN_IF_ERROR(FromKv(store_.pipeline().Write(std::move(commit))));
  auto upload = std::make_shared<Upload>();
  upload->blob = blob_;
  upload->size = size_;
  upload->summary = std::move(summary_).Finish();
  std::string id = base::IdText(blob_);
  Uploads& uploads = store_.uploads();
  absl::MutexLock lock(&uploads.mutex_);
  uploads.summary_bytes_ += upload->summary.MemoryEstimate();
  uploads.uploads_[id] = Entry{std::move(upload), store_.clock().Now()};
  finished_ = true;
  return id;
}

absl::StatusOr<UploadPtr> Uploads::Pin(std::string_view upload_id) {
  absl::MutexLock lock(&mutex_);
  const auto it = uploads_.find(std::string(upload_id));
  if (it == uploads_.end() || it->second.upload == nullptr) return UploadNotFound(upload_id);
  it->second.used = store_.clock().Now();
  return it->second.upload;
}

bool Uploads::Full() const { return uploads_.size() >= kMaxUploads || summary_bytes_ >= kMaxSummaryBytes; }

void Uploads::Abandon(const BlobId& blob) {
  {
    absl::MutexLock lock(&mutex_);
    uploads_.erase(base::IdText(blob));
  }
  // If this is refused, the row that says "upload" is found at the next start.
  HandToCollector({blob}).IgnoreError();
}

absl::Status Uploads::HandToCollector(const std::vector<BlobId>& blobs) {
  if (blobs.empty()) return absl::OkStatus();
  kv::Commit commit;
  commit.sync = false;
  commit.grows = false;
  for (const BlobId& blob : blobs) {
    commit.batch.Delete(store_.column(ColumnId::kGarbage), keys::GarbageBlob(GarbageKind::kUpload, blob));
    commit.batch.Put(store_.column(ColumnId::kGarbage), keys::GarbageBlob(GarbageKind::kBlob, blob), "");
  }
  return store_.pipeline().SubmitWaiting(std::move(commit));
}

absl::Status Uploads::CollectLeftovers() {
  const std::string prefix(1, static_cast<char>(GarbageKind::kUpload));
  std::vector<BlobId> blobs;
  auto it = store_.db().NewIterator(store_.column(ColumnId::kGarbage), prefix, kv::PrefixEnd(prefix));
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    std::string_view key = it->key().substr(prefix.size());
    if (const std::optional<BlobId> blob = keys::TakeBlob(key)) blobs.push_back(*blob);
  }
  RETURN_IF_ERROR(it->status());
  return HandToCollector(blobs);
}

std::vector<BlobId> Uploads::TakeOut(absl::Time received, absl::Time used) {
  std::vector<BlobId> blobs;
  for (auto it = uploads_.begin(); it != uploads_.end();) {
    const Entry& entry = it->second;
    // use_count 1: only the table holds it, and pinning it takes the lock. One that is still being written belongs to its writer.
    const bool old = entry.since <= received || entry.used <= used;
    if (entry.upload == nullptr || !old || entry.upload.use_count() > 1) {
      ++it;
      continue;
    }
    blobs.push_back(entry.upload->blob);
    summary_bytes_ -= std::min(summary_bytes_, entry.upload->summary.MemoryEstimate());
    it = uploads_.erase(it);
  }
  return blobs;
}

absl::StatusOr<int> Uploads::CollectExpired() {
  std::vector<BlobId> blobs;
  {
    absl::MutexLock lock(&mutex_);
    const absl::Time before = store_.clock().Now() - store_.options().upload_memory;
    blobs = TakeOut(before, before);
  }
  RETURN_IF_ERROR(HandToCollector(blobs));
  return static_cast<int>(blobs.size());
}

bool Uploads::Knows(const BlobId& blob) const {
  absl::MutexLock lock(&mutex_);
  return uploads_.contains(base::IdText(blob));
}

size_t Uploads::count() const {
  absl::MutexLock lock(&mutex_);
  return uploads_.size();
}

}  // namespace mailmesh::mailbox_store
