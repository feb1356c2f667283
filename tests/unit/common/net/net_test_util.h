// What the tests of common/net share: a pool, certificates in a folder of their own, coroutines run to their end.
#ifndef MAILMESH_TESTS_UNIT_COMMON_NET_NET_TEST_UTIL_H_
#define MAILMESH_TESTS_UNIT_COMMON_NET_NET_TEST_UTIL_H_

#include <gtest/gtest.h>
#include <stdlib.h>

#include <asio/co_spawn.hpp>
#include <asio/use_future.hpp>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>

#include "common/net/connect.h"
#include "common/net/io_pool.h"
#include "common/net/listener.h"
#include "common/net/pki.h"
#include "common/net/stream.h"
#include "common/net/tls_client_context.h"
#include "common/net/tls_server_context.h"

namespace mailmesh::net {

using std::chrono::milliseconds;
using std::chrono::seconds;

class TempFolder {
 public:
  TempFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "mailmesh-net-XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~TempFolder() { std::filesystem::remove_all(path_); }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// Runs a coroutine on the executor and waits for it on this thread.
template <typename T>
T RunTask(const Executor& executor, Awaitable<T> task) {
  return asio::co_spawn(executor, std::move(task), asio::use_future).get();
}

// An authority and its files; certificates by name.
class TestPki {
 public:
  TestPki() : authority_(CertificateAuthority::Create("Test authority").value()) {
    EXPECT_TRUE(authority_.Save(ca_file(), folder_ / "ca.key").ok());
  }
  std::string ca_file() const { return folder_ / "ca.pem"; }
  const TempFolder& folder() const { return folder_; }
  const CertificateAuthority& authority() const { return authority_; }

  TlsKeyPairFiles Issue(const std::string& dns_name, const std::string& file) const {
    LeafRequest request;
    request.dns_names = {dns_name};
    request.ip_addresses = {IpAddress::LoopbackV4()};
    request.client_auth = true;
    TlsKeyPairFiles files{folder_ / (file + ".pem"), folder_ / (file + ".key")};
    EXPECT_TRUE(SavePemPair(authority_.Issue(request).value(), files.certificate_file, files.key_file).ok());
    return files;
  }
  std::shared_ptr<TlsServerContext> Server(std::vector<TlsKeyPairFiles> pairs) const {
    TlsServerOptions options;
    options.key_pairs = std::move(pairs);
    return TlsServerContext::Create(options).value();
  }
  std::shared_ptr<const TlsClientContext> Client() const {
    TlsClientOptions options;
    options.ca_file = ca_file();
    return TlsClientContext::Create(options).value();
  }

 private:
  TempFolder folder_;
  CertificateAuthority authority_;
};

inline std::unique_ptr<Listener> Listen(IoPool& pool, Listener::Handler handler, ListenerOptions options = {}) {
  ListenSocket socket = ListenSocket::Bind(*Endpoint::Parse("127.0.0.1:0")).value();
  return Listener::Start(std::move(socket), std::move(options), pool, std::move(handler));
}

inline Awaitable<absl::StatusOr<Stream>> Dial(Endpoint endpoint) {
  ConnectOptions options;
  options.deadline = After(seconds(10));
  return ConnectEndpoint(std::move(endpoint), options);
}

inline Awaitable<absl::StatusOr<Stream>> DialTls(Endpoint endpoint, std::shared_ptr<const TlsClientContext> context,
                                                 TlsPeer peer) {
  absl::StatusOr<Stream> stream = co_await Dial(std::move(endpoint));
  if (!stream.ok()) co_return stream.status();
  stream->ExpiresAfter(seconds(10));
  absl::Status status = co_await stream->StartTlsClient(std::move(context), std::move(peer));
  if (!status.ok()) co_return status;
  co_return stream;
}

inline Awaitable<absl::StatusOr<std::string>> ReadAll(Stream& stream) {
  std::string all;
  char buffer[4096];
  for (;;) {
    absl::StatusOr<size_t> n = co_await stream.ReadSome(buffer);
    if (!n.ok()) co_return n.status();
    if (*n == 0) co_return all;
    all.append(buffer, *n);
  }
}

// Exactly `size` octets, fewer at the end.
inline Awaitable<absl::StatusOr<std::string>> ReadN(Stream& stream, size_t size) {
  std::string all(size, '\0');
  size_t have = 0;
  while (have < size) {
    std::span<char> rest(all.data() + have, size - have);
    absl::StatusOr<size_t> n = co_await stream.ReadSome(rest);
    if (!n.ok()) co_return n.status();
    if (*n == 0) break;
    have += *n;
  }
  all.resize(have);
  co_return all;
}

inline Awaitable<void> CloseOn(Stream stream) {
  stream.Close();
  co_return;
}

}  // namespace mailmesh::net

#endif  // MAILMESH_TESTS_UNIT_COMMON_NET_NET_TEST_UTIL_H_
