#include "common/base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "common/base/bytes.h"
#include "common/base/random.h"
#include "common/base/status.h"

namespace mailmesh::base {
namespace {

// A descriptor that is closed when it goes.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

absl::Status WriteAll(int fd, std::string_view content, const std::string& path) {
  while (!content.empty()) {
    const ssize_t n = write(fd, content.data(), content.size());
    if (n < 0) {
      if (errno == EINTR) continue;
      return ErrnoStatus(errno, absl::StrCat("write ", path));
    }
    content.remove_prefix(static_cast<size_t>(n));
  }
  return absl::OkStatus();
}

std::string FolderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

absl::Status WriteAndSync(const std::string& path, std::string_view content, mode_t mode) {
  const Descriptor fd(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
  if (fd.get() < 0) return ErrnoStatus(errno, absl::StrCat("create ", path));
  // The umask may have taken bits away that the caller asked for.
  if (fchmod(fd.get(), mode) != 0) return ErrnoStatus(errno, absl::StrCat("chmod ", path));
  RETURN_IF_ERROR(WriteAll(fd.get(), content, path));
  if (fsync(fd.get()) != 0) return ErrnoStatus(errno, absl::StrCat("sync ", path));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> ReadFile(const std::string& path, size_t limit) {
  const Descriptor fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) return ErrnoStatus(errno, absl::StrCat("open ", path));
  std::string content;
  char buffer[16384];
  while (true) {
    const ssize_t n = read(fd.get(), buffer, sizeof(buffer));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return ErrnoStatus(errno, absl::StrCat("read ", path));
    if (n == 0) return content;
    if (content.size() + static_cast<size_t>(n) > limit) {
      return absl::OutOfRangeError(absl::StrCat(path, " is larger than ", limit, " octets"));
    }
    content.append(buffer, static_cast<size_t>(n));
  }
}

absl::Status WriteFileAtomically(const std::string& path, std::string_view content, mode_t mode) {
  const std::string draft = absl::StrCat(path, ".", HexEncode(RandomString(6)), ".new");
  absl::Status status = WriteAndSync(draft, content, mode);
  if (status.ok() && rename(draft.c_str(), path.c_str()) != 0) {
    status = ErrnoStatus(errno, absl::StrCat("rename ", draft, " to ", path));
  }
  if (!status.ok()) {
    unlink(draft.c_str());
    return status;
  }
  return SyncFolder(FolderOf(path));
}

absl::Status AppendToFile(const std::string& path, std::string_view content, mode_t mode) {
  const Descriptor fd(open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, mode));
  if (fd.get() < 0) return ErrnoStatus(errno, absl::StrCat("open ", path));
  return WriteAll(fd.get(), content, path);
}

absl::Status MakeDirectories(const std::string& path, mode_t mode) {
  if (path.empty()) return absl::InvalidArgumentError("the path of a folder is empty");
  for (size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    const std::string part = path.substr(0, end);
    if (mkdir(part.c_str(), mode) != 0) {
      const int error = errno;
      struct stat info;
      if (stat(part.c_str(), &info) != 0) return ErrnoStatus(error, absl::StrCat("make folder ", part));
      if (!S_ISDIR(info.st_mode)) return absl::AlreadyExistsError(absl::StrCat(part, " is there and is no folder"));
    }
    if (end == std::string::npos) return absl::OkStatus();
  }
}

absl::Status SyncFolder(const std::string& folder) {
  const Descriptor fd(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() < 0) return ErrnoStatus(errno, absl::StrCat("open ", folder));
  if (fsync(fd.get()) != 0) return ErrnoStatus(errno, absl::StrCat("sync ", folder));
  return absl::OkStatus();
}

bool FileExists(const std::string& path) {
  struct stat info;
  return stat(path.c_str(), &info) == 0;
}

}  // namespace mailmesh::base
