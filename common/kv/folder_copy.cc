#include "common/kv/folder_copy.h"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <system_error>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/file.h"
#include "common/base/status.h"

namespace mailmesh::kv {
namespace {

namespace fs = std::filesystem;

constexpr size_t kPiece = 1 << 20;

absl::Status Error(const std::error_code& error, const std::string& what) { return base::ErrnoStatus(error.value(), what); }

class Descriptor {
 public:
  Descriptor(const std::string& path, int flags) : fd_(::open(path.c_str(), flags | O_CLOEXEC, 0600)) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

absl::Status SyncFolder(const std::string& folder) {
  const Descriptor fd(folder, O_RDONLY | O_DIRECTORY);
  if (fd.get() < 0 || ::fsync(fd.get()) != 0) return base::ErrnoStatus(errno, "sync " + folder);
  return absl::OkStatus();
}

// Keeps to the rate by sleeping after each piece.
class Copier {
 public:
  explicit Copier(const FolderCopyOptions& options) : options_(options), start_(std::chrono::steady_clock::now()) {}

  absl::Status Run(const std::string& from, const std::string& to) {
    std::error_code error;
    if (!fs::create_directory(to, error)) return Error(error ? error : std::make_error_code(std::errc::file_exists), to);
    fs::permissions(to, fs::perms::owner_all, error);
    if (error) return Error(error, to);
    for (fs::directory_iterator it(from, error), end; !error && it != end; it.increment(error)) {
      const std::string target = to + "/" + it->path().filename().string();
      RETURN_IF_ERROR(it->is_directory() ? Run(it->path().string(), target) : CopyFile(it->path().string(), target));
    }
    if (error) return Error(error, from);
    return SyncFolder(to);
  }

 private:
  absl::Status CopyFile(const std::string& from, const std::string& to) {
    const Descriptor in(from, O_RDONLY);
    if (in.get() < 0) return base::ErrnoStatus(errno, "open " + from);
    const Descriptor out(to, O_WRONLY | O_CREAT | O_EXCL);
    if (out.get() < 0) return base::ErrnoStatus(errno, "create " + to);
    buffer_.resize(kPiece);
    while (true) {
      const ssize_t got = ::read(in.get(), buffer_.data(), buffer_.size());
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return base::ErrnoStatus(errno, "read " + from);
      if (got == 0) break;
      for (ssize_t at = 0; at < got;) {
        const ssize_t put = ::write(out.get(), buffer_.data() + at, static_cast<size_t>(got - at));
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return base::ErrnoStatus(errno, "write " + to);
        at += put;
      }
      RETURN_IF_ERROR(Count(static_cast<uint64_t>(got)));
    }
    return ::fsync(out.get()) == 0 ? absl::OkStatus() : base::ErrnoStatus(errno, "sync " + to);
  }

  absl::Status Count(uint64_t octets) {
    done_ += octets;
    if (options_.on_progress && !options_.on_progress(done_)) return absl::CancelledError("the copy was given up");
    if (options_.octets_per_second > 0) {
      const std::chrono::duration<double> due(static_cast<double>(done_) / static_cast<double>(options_.octets_per_second));
      std::this_thread::sleep_until(start_ + std::chrono::duration_cast<std::chrono::steady_clock::duration>(due));
    }
    return absl::OkStatus();
  }

  const FolderCopyOptions& options_;
  const std::chrono::steady_clock::time_point start_;
  std::vector<char> buffer_;
  uint64_t done_ = 0;
};

}  // namespace

absl::StatusOr<uint64_t> FolderSize(const std::string& folder) {
  std::error_code error;
  uint64_t size = 0;
  for (fs::recursive_directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    std::error_code gone;
    if (it->is_regular_file(gone)) size += it->file_size(gone);
  }
  if (error) return Error(error, "list " + folder);
  return size;
}

absl::Status CopyFolder(const std::string& from, const std::string& to, const FolderCopyOptions& options) {
  return Copier(options).Run(from, to);
}

absl::Status MoveSynced(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) {
    if (errno == EXDEV) return absl::FailedPreconditionError("not the same file system");
    return base::ErrnoStatus(errno, absl::StrCat("move ", from, " to ", to));
  }
  RETURN_IF_ERROR(SyncFolder(fs::path(from).parent_path().string()));
  return SyncFolder(fs::path(to).parent_path().string());
}

absl::Status RemoveAll(const std::string& path) {
  std::error_code error;
  fs::remove_all(path, error);
  return error ? Error(error, "remove " + path) : absl::OkStatus();
}

absl::StatusOr<uint64_t> FreeSpace(const std::string& folder) {
  struct statvfs info;
  if (::statvfs(folder.c_str(), &info) != 0) return base::ErrnoStatus(errno, "statvfs " + folder);
  return static_cast<uint64_t>(info.f_bavail) * info.f_frsize;
}

}  // namespace mailmesh::kv
