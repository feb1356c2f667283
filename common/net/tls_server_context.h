// Certificates a server offers, chosen by SNI, renewed while it runs.
//
// Flow: Create() -> Stream::StartTlsServer(context) for each connection; Spawn(WatchFiles(context, 60s, hook)).
// A renewed pair is read, checked to belong together, and only then offered to new handshakes; on any error the old one
// stays.
// Connections that exist live on with what they began with. Without a matching name the first pair is used.
// Thread-safety: all methods from any thread.
// TLS 1.2 (forward secrecy and AEAD only, unless told otherwise) and 1.3; no renegotiation, no compression, no ALPN; stateless session
// tickets.
#ifndef MAILMESH_COMMON_NET_TLS_SERVER_CONTEXT_H_
#define MAILMESH_COMMON_NET_TLS_SERVER_CONTEXT_H_

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/net/awaitable.h"
#include "common/net/tls_types.h"

struct ssl_ctx_st;

namespace mailmesh::net {

struct TlsKeyPairFiles {
  std::string certificate_file;  // PEM: leaf first, then intermediates
  std::string key_file;          // PEM, not encrypted
};

struct TlsServerOptions {
  std::vector<TlsKeyPairFiles> key_pairs{};  // at least one; the first is the default
  TlsVersion min_version = TlsVersion::kTls12;
  // OpenSSL cipher list for TLS 1.2; empty: forward secrecy and AEAD only.
  std::string ciphers{};
  // TLS 1.3 suites, best first; empty: OpenSSL's own list.
  std::string cipher_suites{};
  // Where set: clients may present a certificate from this authority; with `require_client_certificate` they must.
  std::string client_ca_file{};
  bool require_client_certificate = false;
};

class TlsServerContext {
 public:
  static absl::StatusOr<std::shared_ptr<TlsServerContext>> Create(TlsServerOptions options);
  ~TlsServerContext();

  // True when the files had changed and are now in use; an error leaves everything as it was.
  absl::StatusOr<bool> ReloadIfChanged();

  // The earliest end of validity of all leaf certificates: mailmesh_tls_certificate_expiry_timestamp_seconds.
  absl::Time expiry() const;

  // Calls ReloadIfChanged() every `interval` for as long as somebody else owns the context. `hook` gets each reload and
  // each error (once for as long as the files stay wrong in the same way).
  using ReloadHook = std::function<void(const absl::Status&)>;
  static Awaitable<void> WatchFiles(std::weak_ptr<TlsServerContext> context, Duration interval, ReloadHook hook);

  // One reference, for the caller to free.
  ssl_ctx_st* NewReference() const;

 private:
  struct State;
  explicit TlsServerContext(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace mailmesh::net

#endif  // MAILMESH_COMMON_NET_TLS_SERVER_CONTEXT_H_
