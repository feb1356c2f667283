#include "services/mailmesh/pki/folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"

namespace mailmesh::pki {
namespace {

constexpr char kDraft[] = "..draft";
constexpr size_t kMaxFile = 1 << 20;

absl::Status Give(int fd, const std::string& path, const struct stat& owner) {
  if (owner.st_uid == geteuid() && owner.st_gid == getegid()) return absl::OkStatus();
  if (fchown(fd, owner.st_uid, owner.st_gid) != 0) return base::ErrnoStatus(errno, "owner of " + path);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Folder> Folder::Open(const std::string& path) {
  net::UniqueFd fd(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() < 0) return base::ErrnoStatus(errno, path);
  return Folder(std::move(fd), path);
}

absl::StatusOr<Folder> Folder::OpenFolder(const std::string& name) const {
  net::UniqueFd fd(openat(fd_.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (fd.get() < 0) return base::ErrnoStatus(errno, PathOf(name));
  return Folder(std::move(fd), PathOf(name));
}

absl::StatusOr<Folder> Folder::MakeFolder(const std::string& name) const {
  if (mkdirat(fd_.get(), name.c_str(), 0700) != 0) return base::ErrnoStatus(errno, PathOf(name));
  return OpenFolder(name);
}

absl::StatusOr<std::vector<std::string>> Folder::Names() const {
  // Reading moves the descriptor's offset: one of its own.
  net::UniqueFd fd(openat(fd_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() < 0) return base::ErrnoStatus(errno, path_);
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(fdopendir(fd.get()), &closedir);
  if (folder == nullptr) return base::ErrnoStatus(errno, path_);
  fd.Release();
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = readdir(folder.get())) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
    errno = 0;
  }
  if (errno != 0) return base::ErrnoStatus(errno, path_);
  std::sort(names.begin(), names.end());
  return names;
}

absl::StatusOr<Folder::Kind> Folder::KindOf(const std::string& name) const {
  struct stat info;
  if (fstatat(fd_.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return Kind::kNone;
    return base::ErrnoStatus(errno, PathOf(name));
  }
  if (S_ISLNK(info.st_mode)) return Kind::kLink;
  return S_ISREG(info.st_mode) ? Kind::kFile : Kind::kOther;
}

absl::StatusOr<std::string> Folder::TargetOf(const std::string& name) const {
  char target[PATH_MAX];
  const ssize_t length = readlinkat(fd_.get(), name.c_str(), target, sizeof(target));
  if (length >= 0) return std::string(target, static_cast<size_t>(length));
  if (errno == ENOENT || errno == EINVAL) return "";
  return base::ErrnoStatus(errno, PathOf(name));
}

absl::StatusOr<std::string> Folder::ReadFile(const std::string& name) const {
  // O_NONBLOCK: a pipe in a file's place would hold us up for ever.
  const net::UniqueFd fd(openat(fd_.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat info;
  if (fd.get() < 0 || fstat(fd.get(), &info) != 0) return base::ErrnoStatus(errno, PathOf(name));
  if (!S_ISREG(info.st_mode)) return absl::FailedPreconditionError(PathOf(name) + " is no file");
  std::string content;
  char buffer[16384];
  while (true) {
    const ssize_t n = read(fd.get(), buffer, sizeof(buffer));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return base::ErrnoStatus(errno, PathOf(name));
    if (n == 0) return content;
    content.append(buffer, static_cast<size_t>(n));
    if (content.size() > kMaxFile) return absl::OutOfRangeError(absl::StrCat(PathOf(name), " is larger than ", kMaxFile, " octets"));
  }
}

absl::Status Folder::WriteFile(const std::string& name, const std::string& content, mode_t mode, const struct stat& owner) const {
  const net::UniqueFd fd(openat(fd_.get(), name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
  if (fd.get() < 0) return base::ErrnoStatus(errno, PathOf(name));
  for (size_t done = 0; done < content.size();) {
    const ssize_t n = write(fd.get(), content.data() + done, content.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return base::ErrnoStatus(errno, PathOf(name));
    done += static_cast<size_t>(n);
  }
  // The umask may have taken bits away.
  if (fchmod(fd.get(), mode) != 0) return base::ErrnoStatus(errno, PathOf(name));
  RETURN_IF_ERROR(Give(fd.get(), PathOf(name), owner));
  if (fsync(fd.get()) != 0) return base::ErrnoStatus(errno, PathOf(name));
  return absl::OkStatus();
}

absl::Status Folder::ReplaceLink(const std::string& name, const std::string& target) const {
  RETURN_IF_ERROR(Remove(kDraft));
  if (symlinkat(target.c_str(), fd_.get(), kDraft) != 0) return base::ErrnoStatus(errno, PathOf(kDraft));
  if (renameat(fd_.get(), kDraft, fd_.get(), name.c_str()) != 0) return base::ErrnoStatus(errno, PathOf(name));
  return absl::OkStatus();
}

absl::Status Folder::Remove(const std::string& name) const {
  if (unlinkat(fd_.get(), name.c_str(), 0) != 0 && errno != ENOENT) return base::ErrnoStatus(errno, PathOf(name));
  return absl::OkStatus();
}

absl::StatusOr<struct stat> Folder::Info() const {
  struct stat info;
  if (fstat(fd_.get(), &info) != 0) return base::ErrnoStatus(errno, path_);
  return info;
}

absl::Status Folder::SetOwner(const struct stat& owner) const { return Give(fd_.get(), path_, owner); }

absl::Status Folder::SetMode(mode_t mode) const {
  if (fchmod(fd_.get(), mode) != 0) return base::ErrnoStatus(errno, path_);
  return absl::OkStatus();
}

absl::Status Folder::Sync() const {
  if (fsync(fd_.get()) != 0) return base::ErrnoStatus(errno, path_);
  return absl::OkStatus();
}

}  // namespace mailmesh::pki
