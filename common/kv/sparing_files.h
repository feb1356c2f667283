// A file system on which compactions leave half of the floor of free space to others.
//
// A compaction writes its output before it deletes its input, as much again. On a disk that is nearly full it would take what
// flushes and the log need, and RocksDB does not survive that (free_space_guard.h). Here its writes fail with NoSpace as soon as
// no more is left; then each further one fails at its first octet for a pause, so that what it took is not taken
// again and again. Database makes light of that error. Flushes, the log and the manifest pass.
//
// RocksDB writes compactions with IO_LOW and flushes with IO_HIGH (IO_USER both, while it throttles writers: then all passes).
// Thread-safe.
#ifndef MAILMESH_COMMON_KV_SPARING_FILES_H_
#define MAILMESH_COMMON_KV_SPARING_FILES_H_

#include <rocksdb/file_system.h>

#include <chrono>
#include <memory>
#include <string>

#include "common/kv/free_space_guard.h"

namespace mailmesh::kv {

class SparingFiles : public rocksdb::FileSystemWrapper {
 public:
  // `guard` must outlive the files.
  SparingFiles(std::shared_ptr<rocksdb::FileSystem> target, const FreeSpaceGuard& guard, std::chrono::milliseconds pause);
  const char* Name() const override { return "SparingFiles"; }

  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* result, rocksdb::IODebugContext* debug) override;

 private:
  class File;
  struct Pause;
  const std::shared_ptr<Pause> pause_;  // shared with the files, which RocksDB may close late
};

}  // namespace mailmesh::kv

#endif  // MAILMESH_COMMON_KV_SPARING_FILES_H_
