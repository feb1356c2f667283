// A file system that keeps what is written in the memory of the process until it is synced, so that the end of the process, however
// it comes, is a power loss: octets that no sync has covered are gone, and so are new names, and renames, of a folder that was
// not synced. (The page cache outlives a process: without this, kill -9 finds no missing sync.)
//
// The model is a strict one: what POSIX does not promise does not happen. A deletion alone is durable at once, for nothing may rely
// on its being late. Nothing is written to the real disk's platters: the power does not really fail.
// Die() keeps a part of what was not synced, as a disk may: a torn tail.
// RocksDB's own text log (LOG*) and its lock are as they are.
// It also is where I/O errors come from (faults.h), and where sync is taken out.
// Thread-safe.
#ifndef MAILMESH_TESTS_DURABILITY_FAULTY_VOLATILE_FILES_H_
#define MAILMESH_TESTS_DURABILITY_FAULTY_VOLATILE_FILES_H_

#include <rocksdb/file_system.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace mailmesh::faulty {

class VolatileFiles : public rocksdb::FileSystemWrapper {
 public:
  VolatileFiles();
  const char* Name() const override { return "VolatileFiles"; }

  // Ends the process as a power loss does; a random part of what was not synced is there afterwards.
  [[noreturn]] void Die();

  rocksdb::IOStatus NewSequentialFile(const std::string& name, const rocksdb::FileOptions& options,
                                      std::unique_ptr<rocksdb::FSSequentialFile>* result, rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewRandomAccessFile(const std::string& name, const rocksdb::FileOptions& options,
                                        std::unique_ptr<rocksdb::FSRandomAccessFile>* result,
                                        rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* result, rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus ReopenWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                       std::unique_ptr<rocksdb::FSWritableFile>* result,
                                       rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewDirectory(const std::string& name, const rocksdb::IOOptions& options,
                                 std::unique_ptr<rocksdb::FSDirectory>* result, rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus FileExists(const std::string& name, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus GetChildren(const std::string& folder, const rocksdb::IOOptions& options, std::vector<std::string>* result,
                                rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus GetChildrenFileAttributes(const std::string& folder, const rocksdb::IOOptions& options,
                                              std::vector<rocksdb::FileAttributes>* result,
                                              rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus DeleteFile(const std::string& name, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus GetFileSize(const std::string& name, const rocksdb::IOOptions& options, uint64_t* size,
                                rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus GetFileModificationTime(const std::string& name, const rocksdb::IOOptions& options, uint64_t* time,
                                            rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus LinkFile(const std::string& from, const std::string& to, const rocksdb::IOOptions& options,
                             rocksdb::IODebugContext* debug) override;

 private:
  class Writer;
  class Folder;
  struct Node;
  using NodePtr = std::shared_ptr<Node>;

  // The node of a name that this process has written or renamed; null: what is on the disk holds.
  NodePtr Find(const std::string& name) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::string HiddenName(const std::string& name) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Forgets a node that has become a plain file.
  void Settle(const std::string& name) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Writes the first `size` unsynced octets to the disk.
  rocksdb::IOStatus WriteOut(Node& node, size_t size) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  rocksdb::IOStatus Append(const NodePtr& node, const std::string& name, std::string_view octets);
  rocksdb::IOStatus Sync(const NodePtr& node, const std::string& name);
  rocksdb::IOStatus SyncFolder(const std::string& folder);
  // Where to read the node's octets from when all are on the disk; else they are in `content`.
  rocksdb::IOStatus Locate(const std::string& name, std::string* real, std::string* content, bool* in_memory);
  // What an operating system does with what nobody synced: some time later. Only while sync is taken out.
  void WriteBackLoop();

  mutable absl::Mutex mutex_;
  std::map<std::string, NodePtr> nodes_ ABSL_GUARDED_BY(mutex_);
  // Names on the disk that a rename has taken away, as this process sees it.
  std::set<std::string> gone_ ABSL_GUARDED_BY(mutex_);
  uint64_t last_hidden_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t unsynced_octets_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace mailmesh::faulty

#endif  // MAILMESH_TESTS_DURABILITY_FAULTY_VOLATILE_FILES_H_
