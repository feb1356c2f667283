// Unix socket addresses for paths that do not fit into sockaddr_un (107 octets), through /proc/self/fd/<folder>/<name>.
//
// Also for other libraries that take a path (gRPC: "unix:" + path()): keep the object while the short path is in use.
#ifndef MAILMESH_COMMON_NET_UNIX_PATH_H_
#define MAILMESH_COMMON_NET_UNIX_PATH_H_

#include <absl/status/statusor.h>
#include <sys/socket.h>

#include <string>
#include <string_view>
#include <utility>

namespace mailmesh::net {

class UnixPath {
 public:
  static constexpr size_t kMaxNative = 107;

  // The folder must exist; the socket need not. Short paths are used as they are.
  static absl::StatusOr<UnixPath> Open(std::string_view path);
  UnixPath(UnixPath&& other) noexcept
      : path_(std::move(other.path_)), folder_fd_(std::exchange(other.folder_fd_, -1)) {}
  UnixPath& operator=(UnixPath&& other) noexcept;
  ~UnixPath();

  const std::string& path() const { return path_; }
  socklen_t ToNative(sockaddr_storage* storage) const;

 private:
  UnixPath(std::string path, int folder_fd) : path_(std::move(path)), folder_fd_(folder_fd) {}
  std::string path_;
  int folder_fd_;
};

}  // namespace mailmesh::net

#endif  // MAILMESH_COMMON_NET_UNIX_PATH_H_
