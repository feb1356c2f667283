#include "services/mailmesh/up/layout.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "common/base/file.h"
#include "common/base/status.h"

namespace mailmesh::up {
namespace {

// sockaddr_un holds 107 octets; the longest name that roles use in the folder is below 32.
constexpr size_t kMaxRunFolder = 107 - 32;

absl::Status TakeLock(const std::string& dir) {
  const std::string path = dir + "/lock";
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return base::ErrnoStatus(errno, path);
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    close(fd);
    return absl::FailedPreconditionError(absl::StrCat("another `mailmesh up` runs on ", dir));
  }
  return absl::OkStatus();  // never closed: the lock ends with the process
}

// A folder in $XDG_RUNTIME_DIR or /tmp that only we may enter, with DIR/run as a link to it.
absl::StatusOr<std::string> MakeShortRunFolder(const std::string& link) {
  const char* runtime_dir = std::getenv("XDG_RUNTIME_DIR");
  std::string pattern = absl::StrCat(runtime_dir != nullptr && *runtime_dir != '\0' ? runtime_dir : "/tmp", "/mailmesh-XXXXXX");
  if (pattern.size() > kMaxRunFolder) pattern = "/tmp/mailmesh-XXXXXX";
  if (mkdtemp(pattern.data()) == nullptr) return base::ErrnoStatus(errno, pattern);
  if (symlink(pattern.c_str(), link.c_str()) != 0) return base::ErrnoStatus(errno, link);
  return pattern;
}

absl::StatusOr<std::string> PrepareRunFolder(const std::string& dir) {
  const std::string run = dir + "/run";
  // Sockets of an earlier life are of no use, and a link may lead to a folder that is gone or no longer ours.
  std::error_code error;
  if (std::filesystem::is_symlink(run, error)) {
    std::filesystem::remove_all(std::filesystem::read_symlink(run, error), error);
  }
  std::filesystem::remove_all(run, error);
  if (run.size() > kMaxRunFolder) return MakeShortRunFolder(run);
  RETURN_IF_ERROR(base::MakeDirectories(run, 0700));
  return run;
}

}  // namespace

absl::StatusOr<Layout> PrepareLayout(const std::string& dir) {
  Layout layout;
  RETURN_IF_ERROR(base::MakeDirectories(dir, 0700));
  std::error_code error;
  layout.dir = std::filesystem::canonical(dir, error).string();
  if (error) return base::ErrnoStatus(error.value(), dir);
  RETURN_IF_ERROR(TakeLock(layout.dir));
  for (const std::string& folder : {layout.pki(), layout.config(), layout.data(), layout.log()}) {
    RETURN_IF_ERROR(base::MakeDirectories(folder, 0700));
  }
  ASSIGN_OR_RETURN(layout.run, PrepareRunFolder(layout.dir));
  unlink(layout.endpoints().c_str());
  return layout;
}

}  // namespace mailmesh::up
