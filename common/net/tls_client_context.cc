#include "common/net/tls_client_context.h"

#include <openssl/err.h>

#include "common/net/openssl_util.h"

namespace mailmesh::net {

absl::StatusOr<std::shared_ptr<const TlsClientContext>> TlsClientContext::Create(TlsClientOptions options) {
  ERR_clear_error();
  SslCtxPtr context(SSL_CTX_new(TLS_client_method()));
  if (context == nullptr) return OpenSslError(absl::StatusCode::kInternal, "making a TLS context");
  SSL_CTX* raw = context.get();
  const int minimum = options.min_version == TlsVersion::kTls13 ? TLS1_3_VERSION : TLS1_2_VERSION;
  SSL_CTX_set_options(raw, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(raw, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(raw, 1);
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  if (SSL_CTX_set_min_proto_version(raw, minimum) != 1 ||
      SSL_CTX_set_cipher_list(raw, "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:DHE+CHACHA20") != 1) {
    return OpenSslError(absl::StatusCode::kInternal, "setting up a TLS context");
  }
  const bool trusted = options.ca_file.empty() ? SSL_CTX_set_default_verify_paths(raw) == 1
                                               : SSL_CTX_load_verify_file(raw, options.ca_file.c_str()) == 1;
  if (!trusted) return OpenSslError(absl::StatusCode::kInvalidArgument, "certificate authorities " + options.ca_file);

  if (options.certificate_file.empty() != options.key_file.empty()) {
    return absl::InvalidArgumentError("a client certificate needs its key, and a key its certificate");
  }
  if (!options.certificate_file.empty()) {
    SSL_CTX_set_default_passwd_cb(raw, RefusePassword);
    if (SSL_CTX_use_certificate_chain_file(raw, options.certificate_file.c_str()) != 1 ||
        SSL_CTX_use_PrivateKey_file(raw, options.key_file.c_str(), SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(raw) != 1) {
      return OpenSslError(absl::StatusCode::kInvalidArgument, "client certificate " + options.certificate_file);
    }
  }
  return std::shared_ptr<const TlsClientContext>(new TlsClientContext(context.release()));
}

TlsClientContext::~TlsClientContext() { SSL_CTX_free(context_); }

}  // namespace mailmesh::net
