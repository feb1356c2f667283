#include "common/kv/sparing_files.h"

#include <rocksdb/env.h>

#include <atomic>
#include <utility>

#include "common/telemetry/log.h"

namespace mailmesh::kv {

using rocksdb::DataVerificationInfo;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

struct SparingFiles::Pause {
  Pause(const FreeSpaceGuard& guard, std::chrono::milliseconds length) : guard(guard), length(length) {}

  bool Refuses() {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    if (now < until.load(std::memory_order_relaxed)) return true;
    if (!guard.short_of_space()) return false;
    until.store(now + length, std::memory_order_relaxed);
    telemetry::Warning("a compaction waits for free space", {{"free_bytes", guard.free_bytes()}});
    return true;
  }

  const FreeSpaceGuard& guard;
  const std::chrono::milliseconds length;
  std::atomic<std::chrono::steady_clock::duration> until{std::chrono::steady_clock::duration::zero()};
};

class SparingFiles::File final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  File(std::unique_ptr<rocksdb::FSWritableFile> target, std::shared_ptr<Pause> pause)
      : FSWritableFileOwnerWrapper(std::move(target)), pause_(std::move(pause)) {}

  void SetIOPriority(rocksdb::Env::IOPriority priority) override {
    spares_ = priority == rocksdb::Env::IO_LOW;
    FSWritableFileOwnerWrapper::SetIOPriority(priority);
    target()->SetIOPriority(priority);
  }

  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* debug) override {
    if (Refused()) return NoSpace();
    return target()->Append(data, options, debug);
  }
  IOStatus Append(const Slice& data, const IOOptions& options, const DataVerificationInfo& info, IODebugContext* debug) override {
    if (Refused()) return NoSpace();
    return target()->Append(data, options, info, debug);
  }
  IOStatus PositionedAppend(const Slice& data, uint64_t offset, const IOOptions& options, IODebugContext* debug) override {
    if (Refused()) return NoSpace();
    return target()->PositionedAppend(data, offset, options, debug);
  }
  IOStatus PositionedAppend(const Slice& data, uint64_t offset, const IOOptions& options, const DataVerificationInfo& info,
                            IODebugContext* debug) override {
    if (Refused()) return NoSpace();
    return target()->PositionedAppend(data, offset, options, info, debug);
  }
  // Allocation ahead is a matter of speed; that of a large table alone could cross the floor.
  void PrepareWrite(size_t offset, size_t length, const IOOptions& options, IODebugContext* debug) override {
    if (!spares_) target()->PrepareWrite(offset, length, options, debug);
  }

 private:
  bool Refused() const { return spares_ && pause_->Refuses(); }
  static IOStatus NoSpace() { return IOStatus::NoSpace("left for what must be written"); }

  const std::shared_ptr<Pause> pause_;
  bool spares_ = false;
};

SparingFiles::SparingFiles(std::shared_ptr<rocksdb::FileSystem> target, const FreeSpaceGuard& guard, std::chrono::milliseconds pause)
    : FileSystemWrapper(std::move(target)), pause_(std::make_shared<Pause>(guard, pause)) {}

IOStatus SparingFiles::NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                       std::unique_ptr<rocksdb::FSWritableFile>* result, IODebugContext* debug) {
  IOStatus status = target()->NewWritableFile(name, options, result, debug);
  if (status.ok()) *result = std::make_unique<File>(std::move(*result), pause_);
  return status;
}

}  // namespace mailmesh::kv
