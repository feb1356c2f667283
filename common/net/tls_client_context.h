// What a client trusts when it starts TLS.
//
// Thread-safety: immutable after Create(); share one among all connections.
#ifndef MAILMESH_COMMON_NET_TLS_CLIENT_CONTEXT_H_
#define MAILMESH_COMMON_NET_TLS_CLIENT_CONTEXT_H_

#include <absl/status/statusor.h>

#include <memory>
#include <string>

#include "common/net/tls_types.h"

struct ssl_ctx_st;

namespace mailmesh::net {

struct TlsClientOptions {
  std::string ca_file{};  // PEM; empty: the system's store
  TlsVersion min_version = TlsVersion::kTls12;
  // A certificate of one's own, where the server asks for it; both or none.
  std::string certificate_file{};
  std::string key_file{};
};

class TlsClientContext {
 public:
  static absl::StatusOr<std::shared_ptr<const TlsClientContext>> Create(TlsClientOptions options);
  ~TlsClientContext();
  TlsClientContext(const TlsClientContext&) = delete;
  TlsClientContext& operator=(const TlsClientContext&) = delete;

  // Borrowed.
  ssl_ctx_st* native() const { return context_; }

 private:
  explicit TlsClientContext(ssl_ctx_st* context) : context_(context) {}
  ssl_ctx_st* context_;
};

}  // namespace mailmesh::net

#endif  // MAILMESH_COMMON_NET_TLS_CLIENT_CONTEXT_H_
