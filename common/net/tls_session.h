// One TLS session on a non-blocking descriptor: each call is one attempt. Private to common/net; callers use Stream.
//
// Thread-safety: none.
#ifndef MAILMESH_COMMON_NET_TLS_SESSION_H_
#define MAILMESH_COMMON_NET_TLS_SESSION_H_

#include <absl/status/statusor.h>

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "common/net/openssl_util.h"
#include "common/net/socket_io.h"
#include "common/net/tls_types.h"

namespace mailmesh::net {

class TlsSession {
 public:
  // What RFC 8446, 5.1 lets one record carry.
  static constexpr size_t kMaxRecord = 16 * 1024;

  // The descriptor is borrowed.
  static absl::StatusOr<std::unique_ptr<TlsSession>> Server(int fd, SSL_CTX* context);
  static absl::StatusOr<std::unique_ptr<TlsSession>> Client(int fd, SSL_CTX* context, const TlsPeer& peer);

  // Done(0) when it is complete; then info() is filled.
  IoStep Handshake();
  IoStep Read(std::span<char> into);
  // Done(1) when octets can be read. Handles what is no data (tickets, key updates), and holds no buffer when it wants
  // more.
  IoStep Peek();
  // After WantWrite or WantRead, call again with the same octets.
  IoStep Write(std::string_view octets);
  // Sends close_notify if that goes without waiting; WantWrite if not.
  IoStep Shutdown();

  const TlsInfo& info() const { return info_; }
  absl::StatusOr<std::string> ExportKeyingMaterial(std::string_view label, size_t size) const;

 private:
  using SslPtr = std::unique_ptr<SSL, FreeWith<&SSL_free>>;
  TlsSession(SslPtr ssl, TlsVerify verify) : ssl_(std::move(ssl)), verify_(verify) {}

  static absl::StatusOr<SslPtr> NewSession(int fd, SSL_CTX* context);
  IoStep StepOf(int result, std::string_view doing);
  absl::Status HandshakeError(std::string_view reason) const;
  void FillInfo();

  SslPtr ssl_;
  TlsVerify verify_;
  bool named_ = false;   // a client that knows whom it expects
  bool broken_ = false;  // after a fatal error OpenSSL may not be called for anything but freeing
  TlsInfo info_;
};

}  // namespace mailmesh::net

#endif  // MAILMESH_COMMON_NET_TLS_SESSION_H_
