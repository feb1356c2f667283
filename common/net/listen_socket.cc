#include "common/net/listen_socket.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <utility>

#include "common/base/status.h"
#include "common/net/socket_io.h"
#include "common/net/unique_fd.h"
#include "common/net/unix_path.h"

namespace mailmesh::net {
namespace {

constexpr int kFirstInherited = 3;  // SD_LISTEN_FDS_START

absl::Status ListenError(const Endpoint& endpoint, std::string_view doing) {
  const int error_number = errno;
  const std::string context = absl::StrCat(base::Av(doing), " ", endpoint.ToString());
  // Without a right to it another port or user is the remedy; say so where it is known.
  if (error_number == EACCES && !endpoint.is_unix() && endpoint.port() < 1024) {
    return absl::PermissionDeniedError(context + ": ports below 1024 need CAP_NET_BIND_SERVICE");
  }
  return base::ErrnoStatus(error_number, context);
}

absl::StatusOr<int> BindTcp(const Endpoint& endpoint, int backlog) {
  std::optional<IpAddress> ip = endpoint.ip();
  if (!ip.has_value() && endpoint.host() == "localhost") ip = IpAddress::LoopbackV4();
  if (!ip.has_value()) {
    return absl::InvalidArgumentError(
        absl::StrCat("to listen at ", endpoint.ToString(), " takes an IP address, not a name"));
  }
  UniqueFd fd(socket(ip->is_v4() ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (fd.get() < 0) return ListenError(endpoint, "making a socket for");
  const int on = 1;
  setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (ip->is_v6()) {
    const int only_v6 = ip->is_unspecified() ? 0 : 1;
    setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &only_v6, sizeof(only_v6));
  }
  sockaddr_storage storage;
  const socklen_t size = SocketAddress(*ip, endpoint.port()).ToNative(&storage);
  if (bind(fd.get(), reinterpret_cast<sockaddr*>(&storage), size) != 0) return ListenError(endpoint, "binding");
  if (listen(fd.get(), backlog) != 0) return ListenError(endpoint, "listening at");
  return fd.Release();
}

// A socket file stays when its process dies; nobody can bind there until it is removed. A live one must not be taken.
absl::Status RemoveDeadSocket(const UnixPath& path, const Endpoint& endpoint) {
  struct stat info;
  if (lstat(path.path().c_str(), &info) != 0) return absl::OkStatus();
  if (!S_ISSOCK(info.st_mode)) {
    return absl::AlreadyExistsError(absl::StrCat(endpoint.ToString(), " exists and is no socket"));
  }
  UniqueFd probe(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (probe.get() < 0) return ListenError(endpoint, "making a socket for");
  sockaddr_storage storage;
  const socklen_t size = path.ToNative(&storage);
  if (connect(probe.get(), reinterpret_cast<sockaddr*>(&storage), size) == 0 || errno != ECONNREFUSED) {
    return absl::AlreadyExistsError(absl::StrCat("another process listens at ", endpoint.ToString()));
  }
  if (unlink(path.path().c_str()) != 0 && errno != ENOENT) return ListenError(endpoint, "removing the old");
  return absl::OkStatus();
}

absl::StatusOr<int> BindUnix(const Endpoint& endpoint, int backlog, mode_t mode, ino_t* inode) {
  const size_t slash = endpoint.path().rfind('/');
  if (slash != std::string::npos && slash > 0) {
    const std::string folder = endpoint.path().substr(0, slash);
    if (mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return ListenError(endpoint, "making the folder of");
  }
  absl::StatusOr<UnixPath> path = UnixPath::Open(endpoint.path());
  if (!path.ok()) return path.status();
  if (absl::Status status = RemoveDeadSocket(*path, endpoint); !status.ok()) return status;
  UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (fd.get() < 0) return ListenError(endpoint, "making a socket for");
  // On Linux the file takes its mode from the socket, cut by the umask: narrow before it can be seen, exact afterwards.
  fchmod(fd.get(), 0600);
  sockaddr_storage storage;
  const socklen_t size = path->ToNative(&storage);
  if (bind(fd.get(), reinterpret_cast<sockaddr*>(&storage), size) != 0) return ListenError(endpoint, "binding");
  struct stat info;
  if (chmod(path->path().c_str(), mode) != 0 || stat(path->path().c_str(), &info) != 0) {
    return ListenError(endpoint, "setting the mode of");
  }
  *inode = info.st_ino;
  if (listen(fd.get(), backlog) != 0) return ListenError(endpoint, "listening at");
  return fd.Release();
}

// Removes the variable and gives its value.
std::string TakeVariable(const char* name) {
  const char* value = std::getenv(name);
  std::string text = value == nullptr ? "" : value;
  unsetenv(name);
  return text;
}

}  // namespace

ListenSocket::ListenSocket(int fd, bool inherited, std::string name, SocketAddress address)
    : fd_(fd), inherited_(inherited), name_(std::move(name)), address_(std::move(address)) {}

ListenSocket::ListenSocket(ListenSocket&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      inherited_(other.inherited_),
      name_(std::move(other.name_)),
      address_(std::move(other.address_)),
      unix_inode_(std::exchange(other.unix_inode_, 0)) {}

ListenSocket& ListenSocket::operator=(ListenSocket&& other) noexcept {
  if (this != &other) {
    Reset();
    fd_ = std::exchange(other.fd_, -1);
    inherited_ = other.inherited_;
    name_ = std::move(other.name_);
    address_ = std::move(other.address_);
    unix_inode_ = std::exchange(other.unix_inode_, 0);
  }
  return *this;
}

ListenSocket::~ListenSocket() { Reset(); }

void ListenSocket::Reset() {
  if (fd_ < 0) return;
  if (unix_inode_ != 0) {
    // Only our own: a successor may have bound the path already.
    struct stat info;
    absl::StatusOr<UnixPath> path = UnixPath::Open(address_.path());
    if (path.ok() && lstat(path->path().c_str(), &info) == 0 && info.st_ino == unix_inode_) {
      unlink(path->path().c_str());
    }
  }
  close(Release());
}

int ListenSocket::Release() {
  unix_inode_ = 0;
  return std::exchange(fd_, -1);
}

absl::StatusOr<ListenSocket> ListenSocket::Bind(const Endpoint& endpoint, int backlog, mode_t unix_mode) {
  if (endpoint.is_unix()) {
    ino_t inode = 0;
    absl::StatusOr<int> fd = BindUnix(endpoint, backlog, unix_mode, &inode);
    if (!fd.ok()) return fd.status();
    ListenSocket socket(*fd, false, "", SocketAddress::Unix(endpoint.path()));
    socket.unix_inode_ = inode;
    return socket;
  }
  absl::StatusOr<int> fd = BindTcp(endpoint, backlog);
  if (!fd.ok()) return fd.status();
  return ListenSocket(*fd, false, "", LocalAddressOf(*fd));
}

absl::StatusOr<ListenSocket> ListenSocket::Adopt(int fd, std::string name) {
  int listening = 0;
  int type = 0;
  socklen_t size = sizeof(int);
  socklen_t type_size = sizeof(int);
  if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) != 0 ||
      getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_size) != 0) {
    return base::ErrnoStatus(errno, absl::StrCat("inherited descriptor ", fd, " (", name, ")"));
  }
  if (listening == 0 || type != SOCK_STREAM) {
    return absl::InvalidArgumentError(
        absl::StrCat("inherited descriptor ", fd, " (", name, ") is not a listening stream socket"));
  }
  fcntl(fd, F_SETFD, FD_CLOEXEC);
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
  return ListenSocket(fd, true, std::move(name), LocalAddressOf(fd));
}

Endpoint ListenSocket::endpoint() const {
  if (address_.is_unix()) return Endpoint::Unix(address_.path());
  return Endpoint::Tcp(address_.ip().ToString(), address_.port());
}

absl::StatusOr<InheritedSockets> InheritedSockets::FromEnvironment() {
  const std::string pid_text = TakeVariable("LISTEN_PID");
  const std::string count_text = TakeVariable("LISTEN_FDS");
  const std::string names_text = TakeVariable("LISTEN_FDNAMES");
  InheritedSockets sockets;
  if (count_text.empty()) return sockets;
  int pid = 0;
  if (!pid_text.empty() && (!absl::SimpleAtoi(pid_text, &pid) || pid != getpid())) return sockets;
  int count = 0;
  if (!absl::SimpleAtoi(count_text, &count) || count < 0 || count > 1024) {
    return absl::InvalidArgumentError(absl::StrCat("LISTEN_FDS is not a number of descriptors: ", count_text));
  }
  const std::vector<std::string> names = absl::StrSplit(names_text, ':');
  for (int i = 0; i < count; ++i) {
    // sd_listen_fds_with_names(3): a socket without a name is "unknown".
    const size_t index = static_cast<size_t>(i);
    std::string name = index < names.size() && !names[index].empty() ? names[index] : "unknown";
    absl::StatusOr<ListenSocket> socket = ListenSocket::Adopt(kFirstInherited + i, std::move(name));
    if (!socket.ok()) return socket.status();
    sockets.sockets_.push_back(*std::move(socket));
  }
  return sockets;
}

std::vector<ListenSocket> InheritedSockets::Take(std::string_view name) {
  std::vector<ListenSocket> taken;
  for (ListenSocket& socket : sockets_) {
    if (socket.name() == name) taken.push_back(std::move(socket));
  }
  std::erase_if(sockets_, [](const ListenSocket& socket) { return socket.fd() < 0; });
  return taken;
}

std::vector<std::string> InheritedSockets::names() const {
  std::vector<std::string> names;
  for (const ListenSocket& socket : sockets_) names.push_back(socket.name());
  return names;
}

}  // namespace mailmesh::net
