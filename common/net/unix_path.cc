#include "common/net/unix_path.h"

#include <absl/strings/str_cat.h>
#include <fcntl.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>

#include "common/base/status.h"

namespace mailmesh::net {

absl::StatusOr<UnixPath> UnixPath::Open(std::string_view path) {
  if (path.empty() || path.find('\0') != std::string_view::npos) {
    return absl::InvalidArgumentError("an empty path for a Unix socket");
  }
  if (path.size() <= kMaxNative) return UnixPath(std::string(path), -1);

  const size_t slash = path.rfind('/');
  const std::string folder(slash == std::string_view::npos ? "." : path.substr(0, slash + 1));
  const std::string_view name = slash == std::string_view::npos ? path : path.substr(slash + 1);
  const int fd = open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return base::ErrnoStatus(errno, absl::StrCat("opening the folder ", folder));
  // The kernel resolves the link when it binds or connects: the name that it sees is short.
  UnixPath result(absl::StrCat("/proc/self/fd/", fd, "/", base::Av(name)), fd);
  if (result.path_.size() > kMaxNative) {
    return absl::InvalidArgumentError(absl::StrCat("the name of the Unix socket is too long: ", base::Av(name)));
  }
  return result;
}

UnixPath& UnixPath::operator=(UnixPath&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(folder_fd_, other.folder_fd_);
  return *this;
}

UnixPath::~UnixPath() {
  if (folder_fd_ >= 0) close(folder_fd_);
}

socklen_t UnixPath::ToNative(sockaddr_storage* storage) const {
  std::memset(storage, 0, sizeof(*storage));
  auto* address = reinterpret_cast<sockaddr_un*>(storage);
  address->sun_family = AF_UNIX;
  std::memcpy(address->sun_path, path_.data(), path_.size());
  return static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path_.size() + 1);
}

}  // namespace mailmesh::net
