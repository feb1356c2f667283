#include "tests/durability/faulty/volatile_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <random>
#include <string_view>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tests/durability/faulty/faults.h"

namespace mailmesh::faulty {
namespace {

using rocksdb::FileOptions;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;

constexpr absl::Duration kWriteBack = absl::Seconds(2);
// Room that RocksDB's files take beyond their octets.
constexpr uint64_t kSlack = 64 << 10;
constexpr char kHidden = '#';

std::string FolderOf(const std::string& name) { return name.substr(0, name.rfind('/')); }
std::string_view BaseOf(std::string_view name) { return name.substr(name.rfind('/') + 1); }
// Column families have folders of one database; its paths may come with a double slash.
std::string Plain(std::string name) {
  for (size_t at = name.find("//"); at != std::string::npos; at = name.find("//")) name.erase(at, 1);
  while (name.size() > 1 && name.back() == '/') name.pop_back();
  return name;
}
bool IsLog(std::string_view name) { return name.ends_with(".log"); }
bool IsAsItIs(std::string_view name) { return BaseOf(name).starts_with("LOG") || BaseOf(name) == "LOCK"; }

IOStatus Errno(const std::string& what) {
  if (errno == ENOSPC) return IOStatus::NoSpace(what, std::strerror(errno));
  if (errno == ENOENT) return IOStatus::PathNotFound(what, std::strerror(errno));
  return IOStatus::IOError(what, std::strerror(errno));
}
IOStatus Injected(const std::string& name) { return IOStatus::IOError(name, "injected"); }

[[noreturn]] void EndNow() {
  kill(getpid(), SIGKILL);
  while (true) pause();
}

class MemorySequential : public rocksdb::FSSequentialFile {
 public:
  explicit MemorySequential(std::string content) : content_(std::move(content)) {}
  IOStatus Read(size_t n, const IOOptions&, rocksdb::Slice* result, char* scratch, IODebugContext*) override {
    n = std::min(n, content_.size() - at_);
    std::memcpy(scratch, content_.data() + at_, n);
    at_ += n;
    *result = rocksdb::Slice(scratch, n);
    return IOStatus::OK();
  }
  IOStatus Skip(uint64_t n) override {
    at_ = std::min<uint64_t>(content_.size(), at_ + n);
    return IOStatus::OK();
  }

 private:
  const std::string content_;
  size_t at_ = 0;
};

class MemoryRandom : public rocksdb::FSRandomAccessFile {
 public:
  explicit MemoryRandom(std::string content) : content_(std::move(content)) {}
  IOStatus Read(uint64_t offset, size_t n, const IOOptions&, rocksdb::Slice* result, char* scratch,
                IODebugContext*) const override {
    offset = std::min<uint64_t>(offset, content_.size());
    n = std::min<size_t>(n, content_.size() - offset);
    std::memcpy(scratch, content_.data() + offset, n);
    *result = rocksdb::Slice(scratch, n);
    return IOStatus::OK();
  }

 private:
  const std::string content_;
};

class FailingRandom : public rocksdb::FSRandomAccessFileOwnerWrapper {
 public:
  FailingRandom(std::unique_ptr<rocksdb::FSRandomAccessFile>&& file, std::string name)
      : FSRandomAccessFileOwnerWrapper(std::move(file)), name_(std::move(name)) {}
  IOStatus Read(uint64_t offset, size_t n, const IOOptions& options, rocksdb::Slice* result, char* scratch,
                IODebugContext* debug) const override {
    if (Strikes(TheFaults().fail_reads)) return Injected(name_);
    return FSRandomAccessFileOwnerWrapper::Read(offset, n, options, result, scratch, debug);
  }

 private:
  const std::string name_;
};

}  // namespace

// A file that this process has written or renamed. Guarded by VolatileFiles::mutex_. Owners: the table of names, its writer.
struct VolatileFiles::Node {
  // Where its synced octets are; another name than its own until its folder is synced.
  std::string real;
  uint64_t synced = 0;
  std::string tail;
  bool open = false;
};

class VolatileFiles::Writer : public rocksdb::FSWritableFile {
 public:
  Writer(VolatileFiles& files, NodePtr node, std::string name, const FileOptions& options)
      : FSWritableFile(options), files_(files), node_(std::move(node)), name_(std::move(name)) {}
  ~Writer() override { MarkClosed(); }

  using FSWritableFile::Append;
  IOStatus Append(const rocksdb::Slice& data, const IOOptions&, IODebugContext*) override {
    return files_.Append(node_, name_, std::string_view(data.data(), data.size()));
  }
  IOStatus Truncate(uint64_t size, const IOOptions&, IODebugContext*) override {
    absl::MutexLock lock(&files_.mutex_);
    if (size < node_->synced) {
      if (truncate(node_->real.c_str(), static_cast<off_t>(size)) != 0) return Errno(name_);
      node_->synced = size;
    }
    const size_t kept = std::min<size_t>(node_->tail.size(), size - node_->synced);
    files_.unsynced_octets_ -= node_->tail.size() - kept;
    node_->tail.resize(kept);
    return IOStatus::OK();
  }
  IOStatus Close(const IOOptions&, IODebugContext*) override {
    MarkClosed();
    return IOStatus::OK();
  }
  // To the page cache, which is no more than memory.
  IOStatus Flush(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
  IOStatus RangeSync(uint64_t, uint64_t, const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
  IOStatus Sync(const IOOptions&, IODebugContext*) override { return files_.Sync(node_, name_); }
  bool IsSyncThreadSafe() const override { return true; }
  uint64_t GetFileSize(const IOOptions&, IODebugContext*) override {
    absl::MutexLock lock(&files_.mutex_);
    return node_->synced + node_->tail.size();
  }
  IOStatus InvalidateCache(size_t, size_t) override { return IOStatus::OK(); }

 private:
  void MarkClosed() {
    absl::MutexLock lock(&files_.mutex_);
    node_->open = false;
    files_.Settle(name_);
  }

  VolatileFiles& files_;
  const NodePtr node_;
  const std::string name_;
};

class VolatileFiles::Folder : public rocksdb::FSDirectory {
 public:
  Folder(VolatileFiles& files, std::string name) : files_(files), name_(std::move(name)) {}
  IOStatus Fsync(const IOOptions&, IODebugContext*) override { return files_.SyncFolder(name_); }
  IOStatus Close(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }

 private:
  VolatileFiles& files_;
  const std::string name_;
};

VolatileFiles::VolatileFiles() : FileSystemWrapper(rocksdb::FileSystem::Default()) {
  if (TheSabotage() == Sabotage::kSync) std::thread([this] { WriteBackLoop(); }).detach();
}

VolatileFiles::NodePtr VolatileFiles::Find(const std::string& name) const {
  const auto found = nodes_.find(name);
  return found == nodes_.end() ? nullptr : found->second;
}

std::string VolatileFiles::HiddenName(const std::string& name) {
  return absl::StrCat(FolderOf(name), "/", std::string(1, kHidden), getpid(), "-", ++last_hidden_);
}

void VolatileFiles::Settle(const std::string& name) {
  const NodePtr node = Find(name);
  if (node != nullptr && !node->open && node->tail.empty() && node->real == name) nodes_.erase(name);
}

IOStatus VolatileFiles::WriteOut(Node& node, size_t size) {
  if (size == 0) return IOStatus::OK();
  const int file = open(node.real.c_str(), O_WRONLY | O_CLOEXEC);
  if (file < 0) return Errno(node.real);
  size_t written = 0;
  while (written < size) {
    const ssize_t n = pwrite(file, node.tail.data() + written, size - written, static_cast<off_t>(node.synced + written));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      const IOStatus status = Errno(node.real);
      close(file);
      return status;
    }
    written += static_cast<size_t>(n);
  }
  close(file);
  node.synced += size;
  node.tail.erase(0, size);
  unsynced_octets_ -= size;
  return IOStatus::OK();
}

IOStatus VolatileFiles::Append(const NodePtr& node, const std::string& name, std::string_view octets) {
  if (Strikes(TheFaults().fail_writes)) return Injected(name);
  absl::MutexLock lock(&mutex_);
  // What a real file system would find now, not at the sync.
  struct statvfs space;
  if (statvfs(FolderOf(name).c_str(), &space) == 0 &&
      static_cast<uint64_t>(space.f_bavail) * space.f_frsize < unsynced_octets_ + octets.size() + kSlack) {
    return IOStatus::NoSpace(name);
  }
  node->tail.append(octets);
  unsynced_octets_ += octets.size();
  return IOStatus::OK();
}

IOStatus VolatileFiles::Sync(const NodePtr& node, const std::string& name) {
  Faults& faults = TheFaults();
  if (IsLog(name)) {
    ++faults.log_syncs;
    if (const int64_t delay = faults.sync_delay_ms; delay > 0) absl::SleepFor(absl::Milliseconds(delay));
    if (LastOne(faults.die_before_sync)) Die();
    if (TheSabotage() == Sabotage::kSync) return IOStatus::OK();
  }
  if (Strikes(faults.fail_syncs)) return Injected(name);
  absl::MutexLock lock(&mutex_);
  const IOStatus status = WriteOut(*node, node->tail.size());
  Settle(name);
  if (IsLog(name) && LastOne(faults.die_after_sync)) EndNow();
  return status;
}

IOStatus VolatileFiles::SyncFolder(const std::string& folder) {
  absl::MutexLock lock(&mutex_);
  std::vector<std::string> here;
  for (const auto& [name, node] : nodes_) {
    if (FolderOf(name) == folder) here.push_back(name);
  }
  for (const std::string& name : here) {
    Node& node = *nodes_[name];
    if (node.real != name) {
      if (rename(node.real.c_str(), name.c_str()) != 0) return Errno(name);
      node.real = name;
    }
    Settle(name);
  }
  std::erase_if(gone_, [&](const std::string& name) { return FolderOf(name) == folder; });
  return IOStatus::OK();
}

void VolatileFiles::Die() {
  absl::MutexLock lock(&mutex_);
  std::minstd_rand random(static_cast<unsigned>(absl::ToUnixNanos(absl::Now())));
  for (auto& [name, node] : nodes_) {
    WriteOut(*node, node->tail.empty() ? 0 : random() % (node->tail.size() + 1)).PermitUncheckedError();
  }
  EndNow();
}

void VolatileFiles::WriteBackLoop() {
  while (true) {
    absl::SleepFor(kWriteBack);
    absl::MutexLock lock(&mutex_);
    for (auto& [name, node] : nodes_) WriteOut(*node, node->tail.size()).PermitUncheckedError();
  }
}

IOStatus VolatileFiles::Locate(const std::string& name, std::string* real, std::string* content, bool* in_memory) {
  absl::MutexLock lock(&mutex_);
  *real = name;
  *in_memory = false;
  const NodePtr node = Find(name);
  if (node == nullptr) return gone_.contains(name) ? IOStatus::PathNotFound(name) : IOStatus::OK();
  *real = node->real;
  if (node->tail.empty()) return IOStatus::OK();
  *in_memory = true;
  content->resize(node->synced);
  const int file = open(node->real.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return Errno(name);
  size_t got = 0;
  while (got < content->size()) {
    const ssize_t n = pread(file, content->data() + got, content->size() - got, static_cast<off_t>(got));
    if (n <= 0) break;
    got += static_cast<size_t>(n);
  }
  close(file);
  if (got < node->synced) return IOStatus::IOError(name, "short");
  content->append(node->tail);
  return IOStatus::OK();
}

IOStatus VolatileFiles::NewSequentialFile(const std::string& given, const FileOptions& options,
                                          std::unique_ptr<rocksdb::FSSequentialFile>* result, IODebugContext* debug) {
  std::string real;
  std::string content;
  bool in_memory = false;
  if (IOStatus status = Locate(Plain(given), &real, &content, &in_memory); !status.ok()) return status;
  if (!in_memory) return target()->NewSequentialFile(real, options, result, debug);
  *result = std::make_unique<MemorySequential>(std::move(content));
  return IOStatus::OK();
}

IOStatus VolatileFiles::NewRandomAccessFile(const std::string& given, const FileOptions& options,
                                            std::unique_ptr<rocksdb::FSRandomAccessFile>* result, IODebugContext* debug) {
  std::string real;
  std::string content;
  bool in_memory = false;
  if (IOStatus status = Locate(Plain(given), &real, &content, &in_memory); !status.ok()) return status;
  if (in_memory) {
    *result = std::make_unique<MemoryRandom>(std::move(content));
    return IOStatus::OK();
  }
  std::unique_ptr<rocksdb::FSRandomAccessFile> file;
  if (IOStatus status = target()->NewRandomAccessFile(real, options, &file, debug); !status.ok()) return status;
  *result = std::make_unique<FailingRandom>(std::move(file), given);
  return IOStatus::OK();
}

IOStatus VolatileFiles::NewWritableFile(const std::string& given, const FileOptions& options,
                                        std::unique_ptr<rocksdb::FSWritableFile>* result, IODebugContext* debug) {
  const std::string name = Plain(given);
  if (IsAsItIs(name)) return target()->NewWritableFile(name, options, result, debug);
  if (Strikes(TheFaults().fail_writes)) return Injected(name);
  absl::MutexLock lock(&mutex_);
  auto node = std::make_shared<Node>();
  node->real = HiddenName(name);
  node->open = true;
  const int file = open(node->real.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) return Errno(name);
  close(file);
  nodes_[name] = node;
  gone_.erase(name);
  *result = std::make_unique<Writer>(*this, std::move(node), name, options);
  return IOStatus::OK();
}

IOStatus VolatileFiles::ReopenWritableFile(const std::string& given, const FileOptions& options,
                                           std::unique_ptr<rocksdb::FSWritableFile>* result, IODebugContext*) {
  const std::string name = Plain(given);
  absl::MutexLock lock(&mutex_);
  NodePtr node = Find(name);
  if (node == nullptr) {
    struct stat info;
    if (stat(name.c_str(), &info) != 0) return Errno(name);
    node = std::make_shared<Node>();
    node->real = name;
    node->synced = static_cast<uint64_t>(info.st_size);
    nodes_[name] = node;
  }
  node->open = true;
  *result = std::make_unique<Writer>(*this, std::move(node), name, options);
  return IOStatus::OK();
}

IOStatus VolatileFiles::NewDirectory(const std::string& name, const IOOptions& options,
                                     std::unique_ptr<rocksdb::FSDirectory>* result, IODebugContext* debug) {
  std::unique_ptr<rocksdb::FSDirectory> real;
  if (IOStatus status = target()->NewDirectory(name, options, &real, debug); !status.ok()) return status;
  *result = std::make_unique<Folder>(*this, Plain(name));
  return IOStatus::OK();
}

IOStatus VolatileFiles::FileExists(const std::string& given, const IOOptions& options, IODebugContext* debug) {
  const std::string name = Plain(given);
  {
    absl::MutexLock lock(&mutex_);
    if (Find(name) != nullptr) return IOStatus::OK();
    if (gone_.contains(name)) return IOStatus::NotFound();
  }
  return target()->FileExists(name, options, debug);
}

IOStatus VolatileFiles::GetChildren(const std::string& given, const IOOptions& options, std::vector<std::string>* result,
                                    IODebugContext* debug) {
  const std::string folder = Plain(given);
  absl::MutexLock lock(&mutex_);
  std::vector<std::string> on_disk;
  if (IOStatus status = target()->GetChildren(folder, options, &on_disk, debug); !status.ok()) return status;
  std::set<std::string> seen;
  const std::string ours = absl::StrCat(std::string(1, kHidden), getpid(), "-");
  for (const std::string& child : on_disk) {
    const std::string path = absl::StrCat(folder, "/", child);
    if (child[0] == kHidden) {
      // A process that is gone had not synced the folder.
      if (!child.starts_with(ours)) unlink(path.c_str());
    } else if (!gone_.contains(path)) {
      seen.insert(child);
    }
  }
  for (const auto& [name, node] : nodes_) {
    if (FolderOf(name) == folder) seen.insert(std::string(BaseOf(name)));
  }
  result->assign(seen.begin(), seen.end());
  return IOStatus::OK();
}

IOStatus VolatileFiles::GetChildrenFileAttributes(const std::string& folder, const IOOptions& options,
                                                  std::vector<rocksdb::FileAttributes>* result, IODebugContext* debug) {
  // The base's is made of GetChildren and GetFileSize.
  return FileSystem::GetChildrenFileAttributes(folder, options, result, debug);
}

IOStatus VolatileFiles::DeleteFile(const std::string& given, const IOOptions& options, IODebugContext* debug) {
  const std::string name = Plain(given);
  absl::MutexLock lock(&mutex_);
  const NodePtr node = Find(name);
  if (node == nullptr) {
    return gone_.contains(name) ? IOStatus::PathNotFound(name) : target()->DeleteFile(name, options, debug);
  }
  unsynced_octets_ -= node->tail.size();
  node->tail.clear();
  unlink(node->real.c_str());
  // An older file of this name, that a rename would have replaced.
  unlink(name.c_str());
  nodes_.erase(name);
  return IOStatus::OK();
}

IOStatus VolatileFiles::GetFileSize(const std::string& given, const IOOptions& options, uint64_t* size, IODebugContext* debug) {
  const std::string name = Plain(given);
  {
    absl::MutexLock lock(&mutex_);
    if (const NodePtr node = Find(name)) {
      *size = node->synced + node->tail.size();
      return IOStatus::OK();
    }
    if (gone_.contains(name)) return IOStatus::PathNotFound(name);
  }
  return target()->GetFileSize(name, options, size, debug);
}

IOStatus VolatileFiles::GetFileModificationTime(const std::string& given, const IOOptions& options, uint64_t* time,
                                                IODebugContext* debug) {
  std::string real = Plain(given);
  {
    absl::MutexLock lock(&mutex_);
    if (const NodePtr node = Find(real)) real = node->real;
  }
  return target()->GetFileModificationTime(real, options, time, debug);
}

IOStatus VolatileFiles::RenameFile(const std::string& given_from, const std::string& given_to, const IOOptions& options,
                                   IODebugContext* debug) {
  const std::string from = Plain(given_from);
  const std::string to = Plain(given_to);
  if (IsAsItIs(from)) return target()->RenameFile(from, to, options, debug);
  absl::MutexLock lock(&mutex_);
  NodePtr node = Find(from);
  if (node == nullptr) {
    struct stat info;
    if (gone_.contains(from) || stat(from.c_str(), &info) != 0) return IOStatus::PathNotFound(from);
    // A folder (of a checkpoint, synced before): at once.
    if (S_ISDIR(info.st_mode)) return target()->RenameFile(from, to, options, debug);
    node = std::make_shared<Node>();
    node->real = from;
    node->synced = static_cast<uint64_t>(info.st_size);
    gone_.insert(from);
  } else if (node->real == from) {
    gone_.insert(from);
  }
  if (const NodePtr replaced = Find(to)) {
    unsynced_octets_ -= replaced->tail.size();
    replaced->tail.clear();
    if (replaced->real != to) unlink(replaced->real.c_str());
  }
  nodes_.erase(from);
  nodes_[to] = std::move(node);
  gone_.erase(to);
  return IOStatus::OK();
}

IOStatus VolatileFiles::LinkFile(const std::string& from, const std::string& to, const IOOptions& options,
                                 IODebugContext* debug) {
  std::string real;
  std::string content;
  bool in_memory = false;
  if (IOStatus status = Locate(Plain(from), &real, &content, &in_memory); !status.ok()) return status;
  if (in_memory) return IOStatus::NotSupported(from, "not synced");  // then it is copied
  return target()->LinkFile(real, to, options, debug);
}

}  // namespace mailmesh::faulty
