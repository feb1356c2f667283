#include "common/kv/batch.h"

#include <rocksdb/write_batch.h>

#include <array>
#include <cassert>
#include <string>
#include <utility>

#include "common/kv/batch_merge.h"
#include "common/kv/rocks_slice.h"

namespace mailmesh::kv {

Batch::Batch() : batch_(std::make_unique<rocksdb::WriteBatch>()) {}
Batch::~Batch() = default;
Batch::Batch(Batch&& other) noexcept : batch_(std::exchange(other.batch_, std::make_unique<rocksdb::WriteBatch>())) {}
Batch& Batch::operator=(Batch&& other) noexcept {
  std::swap(batch_, other.batch_);
  return *this;
}

// RocksDB's batch methods fail only for a size limit that we do not set, and for sizes beyond 4 GiB, which the owners'
// limits exclude.
void Batch::Put(Column column, std::string_view key, std::string_view value) {
  batch_->Put(column.handle, ToSlice(key), ToSlice(value)).PermitUncheckedError();
}

void Batch::PutParts(Column column, std::string_view key, std::initializer_list<std::string_view> parts) {
  constexpr size_t kMaxParts = 8;
  assert(parts.size() <= kMaxParts);
  std::array<rocksdb::Slice, kMaxParts> slices;
  int count = 0;
  for (std::string_view part : parts) slices[count++] = ToSlice(part);
  const rocksdb::Slice key_slice = ToSlice(key);
  batch_->Put(column.handle, rocksdb::SliceParts(&key_slice, 1), rocksdb::SliceParts(slices.data(), count))
      .PermitUncheckedError();
}

void Batch::Merge(Column column, std::string_view key, std::string_view operand) {
  batch_->Merge(column.handle, ToSlice(key), ToSlice(operand)).PermitUncheckedError();
}

void Batch::Delete(Column column, std::string_view key) {
  batch_->Delete(column.handle, ToSlice(key)).PermitUncheckedError();
}

void Batch::DeleteRange(Column column, std::string_view begin, std::string_view end) {
  batch_->DeleteRange(column.handle, ToSlice(begin), ToSlice(end)).PermitUncheckedError();
}

void Batch::Reserve(size_t octets) {
  if (empty()) *batch_ = rocksdb::WriteBatch(octets);
}

void Batch::Append(const Batch& other) {
  if (other.empty()) return;
  std::string merged = std::string(batch_->Data());
  AppendBatchOctets(merged, other.batch_->Data());
  *batch_ = rocksdb::WriteBatch(std::move(merged));
}

void Batch::Mark() { batch_->SetSavePoint(); }
void Batch::RollBack() { batch_->RollbackToSavePoint().PermitUncheckedError(); }
void Batch::Keep() { batch_->PopSavePoint().PermitUncheckedError(); }

bool Batch::empty() const { return batch_->Count() == 0; }
int Batch::count() const { return static_cast<int>(batch_->Count()); }
size_t Batch::octets() const { return batch_->GetDataSize(); }

}  // namespace mailmesh::kv
