// A file system whose log, or one of whose tables, can be made to fail while the test runs.
#ifndef MAILMESH_TESTS_UNIT_COMMON_KV_FAILING_ENV_FOR_TEST_H_
#define MAILMESH_TESTS_UNIT_COMMON_KV_FAILING_ENV_FOR_TEST_H_

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <atomic>
#include <memory>
#include <string>

namespace mailmesh::kv {

enum class LogFault { kNone, kNoSpaceOnAppend, kErrorOnSync };

class FailingFileSystem : public rocksdb::FileSystemWrapper {
 public:
  FailingFileSystem() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}
  static const char* kClassName() { return "FailingFileSystem"; }
  const char* Name() const override { return kClassName(); }

  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* result,
                                    rocksdb::IODebugContext* debug) override {
    rocksdb::IOStatus status = FileSystemWrapper::NewWritableFile(name, options, result, debug);
    if (status.ok() && name.ends_with(".log")) *result = std::make_unique<Log>(std::move(*result), fault);
    return status;
  }

  rocksdb::IOStatus NewRandomAccessFile(const std::string& name, const rocksdb::FileOptions& options,
                                        std::unique_ptr<rocksdb::FSRandomAccessFile>* result,
                                        rocksdb::IODebugContext* debug) override {
    rocksdb::IOStatus status = FileSystemWrapper::NewRandomAccessFile(name, options, result, debug);
    if (status.ok() && !table.empty() && name.ends_with(table)) *result = std::make_unique<Table>(std::move(*result), unreadable);
    return status;
  }

  std::atomic<LogFault> fault{LogFault::kNone};
  // Set before the database is opened: the name of the table that `unreadable` is about.
  std::string table;
  std::atomic<bool> unreadable{false};

 private:
  class Table : public rocksdb::FSRandomAccessFileOwnerWrapper {
   public:
    Table(std::unique_ptr<rocksdb::FSRandomAccessFile> file, std::atomic<bool>& unreadable)
        : FSRandomAccessFileOwnerWrapper(std::move(file)), unreadable_(unreadable) {}
    rocksdb::IOStatus Read(uint64_t offset, size_t size, const rocksdb::IOOptions& options, rocksdb::Slice* result, char* scratch,
                           rocksdb::IODebugContext* debug) const override {
      if (unreadable_) return rocksdb::IOStatus::IOError("injected");
      return FSRandomAccessFileOwnerWrapper::Read(offset, size, options, result, scratch, debug);
    }

   private:
    std::atomic<bool>& unreadable_;
  };
  class Log : public rocksdb::FSWritableFileOwnerWrapper {
   public:
    Log(std::unique_ptr<rocksdb::FSWritableFile> file, std::atomic<LogFault>& fault)
        : FSWritableFileOwnerWrapper(std::move(file)), fault_(fault) {}
    rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                             rocksdb::IODebugContext* debug) override {
      if (fault_ == LogFault::kNoSpaceOnAppend) return rocksdb::IOStatus::NoSpace("injected");
      return FSWritableFileOwnerWrapper::Append(data, options, debug);
    }
    rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                             const rocksdb::DataVerificationInfo&, rocksdb::IODebugContext* debug) override {
      return Append(data, options, debug);
    }
    rocksdb::IOStatus Sync(const rocksdb::IOOptions& options, rocksdb::IODebugContext* debug) override {
      if (fault_ == LogFault::kErrorOnSync) return rocksdb::IOStatus::IOError("injected");
      return FSWritableFileOwnerWrapper::Sync(options, debug);
    }

   private:
    std::atomic<LogFault>& fault_;
  };
};

}  // namespace mailmesh::kv

#endif  // MAILMESH_TESTS_UNIT_COMMON_KV_FAILING_ENV_FOR_TEST_H_
