#include "services/mailmesh/archive/output_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "common/base/status.h"

namespace mailmesh::archive {
namespace {

constexpr size_t kBuffer = 256 << 10;

}  // namespace

absl::Status OutputFile::Open(const std::string& path) {
  Abandon();
  fd_ = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd_ < 0) return base::ErrnoStatus(errno, path);
  path_ = path;
  size_ = 0;
  return absl::OkStatus();
}

absl::Status OutputFile::Write(std::string_view octets) {
  buffer_ += octets;
  size_ += octets.size();
  return buffer_.size() < kBuffer ? absl::OkStatus() : Flush();
}

absl::Status OutputFile::Flush() {
  std::string_view rest = buffer_;
  while (!rest.empty()) {
    const ssize_t written = write(fd_, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return base::ErrnoStatus(errno, path_);
    rest.remove_prefix(static_cast<size_t>(written));
  }
  buffer_.clear();
  return absl::OkStatus();
}

absl::Status OutputFile::Truncate(uint64_t size) {
  RETURN_IF_ERROR(Flush());
  if (ftruncate(fd_, static_cast<off_t>(size)) != 0 || lseek(fd_, static_cast<off_t>(size), SEEK_SET) < 0) {
    return base::ErrnoStatus(errno, path_);
  }
  size_ = size;
  return absl::OkStatus();
}

absl::Status OutputFile::SetTime(int64_t seconds) {
  RETURN_IF_ERROR(Flush());
  const timespec times[2] = {{.tv_sec = seconds, .tv_nsec = 0}, {.tv_sec = seconds, .tv_nsec = 0}};
  if (seconds != 0 && futimens(fd_, times) != 0) return base::ErrnoStatus(errno, path_);
  return absl::OkStatus();
}

absl::Status OutputFile::CloseAs(const std::string& path) {
  RETURN_IF_ERROR(Flush());
  if (close(fd_) != 0) {
    fd_ = -1;
    return base::ErrnoStatus(errno, path_);
  }
  fd_ = -1;
  if (std::rename(path_.c_str(), path.c_str()) != 0) return base::ErrnoStatus(errno, path);
  return absl::OkStatus();
}

void OutputFile::Abandon() {
  buffer_.clear();
  if (fd_ < 0) return;
  close(fd_);
  fd_ = -1;
  unlink(path_.c_str());
}

absl::Status SyncFileSystemOf(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return base::ErrnoStatus(errno, path);
  const int result = syncfs(fd);
  const int error = errno;
  close(fd);
  return result == 0 ? absl::OkStatus() : base::ErrnoStatus(error, path);
}

}  // namespace mailmesh::archive
