#include "common/net/tls_session.h"

#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>
#include <openssl/err.h>

#include <cerrno>
#include <climits>
#include <cstring>
#include <utility>

#include "common/base/status.h"
#include "common/net/address.h"

namespace mailmesh::net {
namespace {

// SSL_get_error() looks at what earlier calls, of other sessions too, left behind.
void ForgetErrors() {
  ERR_clear_error();
  errno = 0;
}

// SSL_read and its like count in int.
int Clamp(size_t size) { return size > INT_MAX ? INT_MAX : static_cast<int>(size); }

// RFC 7435: with a peer that nobody verifies, old cryptography beats none, which is what a refused handshake leads to.
bool RelaxForOpportunistic(SSL* ssl) {
  SSL_set_security_level(ssl, 1);
  return SSL_set_cipher_list(ssl, "HIGH:!aNULL:!PSK:!SRP:!aDSS") == 1;
}

bool SetExpectedPeer(SSL* ssl, const std::string& name) {
  if (IpAddress::Parse(name).ok()) {
    // RFC 6066, 3: no literal addresses in SNI.
    return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name.c_str()) == 1;
  }
  // RFC 9525, 6.3: a wildcard is the whole left-most label.
  SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  return SSL_set1_host(ssl, name.c_str()) == 1 && SSL_set_tlsext_host_name(ssl, name.c_str()) == 1;
}

}  // namespace

absl::StatusOr<TlsSession::SslPtr> TlsSession::NewSession(int fd, SSL_CTX* context) {
  ERR_clear_error();
  SslPtr ssl(SSL_new(context));
  if (ssl == nullptr || SSL_set_fd(ssl.get(), fd) != 1) {
    return OpenSslError(absl::StatusCode::kInternal, "making a TLS session");
  }
  return ssl;
}

absl::StatusOr<std::unique_ptr<TlsSession>> TlsSession::Server(int fd, SSL_CTX* context) {
  absl::StatusOr<SslPtr> ssl = NewSession(fd, context);
  if (!ssl.ok()) return ssl.status();
  SSL_set_accept_state(ssl->get());
  // The context decides whether a client certificate is asked for and needed.
  return std::unique_ptr<TlsSession>(new TlsSession(*std::move(ssl), TlsVerify::kOpportunistic));
}

absl::StatusOr<std::unique_ptr<TlsSession>> TlsSession::Client(int fd, SSL_CTX* context, const TlsPeer& peer) {
  if (peer.name.empty() && peer.verify == TlsVerify::kRequired) {
    return absl::InvalidArgumentError("TLS needs a name to verify the peer by");
  }
  absl::StatusOr<SslPtr> ssl = NewSession(fd, context);
  if (!ssl.ok()) return ssl.status();
  SSL_set_connect_state(ssl->get());
  std::string name = peer.name;
  if (name.ends_with('.')) name.pop_back();
  bool ok = name.empty() || SetExpectedPeer(ssl->get(), name);
  if (peer.verify == TlsVerify::kRequired) {
    SSL_set_verify(ssl->get(), SSL_VERIFY_PEER, nullptr);
  } else {
    SSL_set_verify(ssl->get(), SSL_VERIFY_NONE, nullptr);
    ok = ok && RelaxForOpportunistic(ssl->get());
  }
  if (!ok) return OpenSslError(absl::StatusCode::kInvalidArgument, absl::StrCat("TLS with \"", name, "\""));
  auto session = std::unique_ptr<TlsSession>(new TlsSession(*std::move(ssl), peer.verify));
  session->named_ = !name.empty();
  return session;
}

IoStep TlsSession::Handshake() {
  ForgetErrors();
  const int result = SSL_do_handshake(ssl_.get());
  if (result == 1) {
    FillInfo();
    return IoStep::Done(0);
  }
  IoStep step = StepOf(result, "TLS handshake");
  if (step.kind == IoStep::Kind::kEnd) return IoStep::Failed(absl::UnavailableError("the peer left the TLS handshake"));
  return step;
}

IoStep TlsSession::Read(std::span<char> into) {
  if (broken_) return IoStep::Failed(absl::UnavailableError("the TLS session is broken"));
  ForgetErrors();
  const int n = SSL_read(ssl_.get(), into.data(), Clamp(into.size()));
  return n > 0 ? IoStep::Done(static_cast<size_t>(n)) : StepOf(n, "reading TLS");
}

IoStep TlsSession::Peek() {
  if (broken_) return IoStep::Failed(absl::UnavailableError("the TLS session is broken"));
  ForgetErrors();
  char octet;
  const int n = SSL_peek(ssl_.get(), &octet, 1);
  return n > 0 ? IoStep::Done(1) : StepOf(n, "reading TLS");
}

IoStep TlsSession::Write(std::string_view octets) {
  if (broken_) return IoStep::Failed(absl::UnavailableError("the TLS session is broken"));
  if (octets.empty()) return IoStep::Done(0);
  ForgetErrors();
  const int n = SSL_write(ssl_.get(), octets.data(), Clamp(octets.size()));
  return n > 0 ? IoStep::Done(static_cast<size_t>(n)) : StepOf(n, "writing TLS");
}

IoStep TlsSession::Shutdown() {
  if (broken_ || SSL_in_init(ssl_.get())) return IoStep::Done(0);
  ForgetErrors();
  const int result = SSL_shutdown(ssl_.get());
  return result >= 0 ? IoStep::Done(0) : StepOf(result, "ending TLS");
}

IoStep TlsSession::StepOf(int result, std::string_view doing) {
  const int saved_errno = errno;
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return IoStep::WantRead();
    case SSL_ERROR_WANT_WRITE:
      return IoStep::WantWrite();
    case SSL_ERROR_ZERO_RETURN:
      return IoStep::End();
    case SSL_ERROR_SYSCALL:
      broken_ = true;
      if (saved_errno == 0) return IoStep::End();
      return IoStep::Failed(ConnectionError(saved_errno, doing));
    default:
      break;
  }
  broken_ = true;
  const std::string reason = TakeOpenSslErrors();
  if (SSL_in_init(ssl_.get())) return IoStep::Failed(HandshakeError(reason));
  return IoStep::Failed(absl::UnavailableError(absl::StrCat(base::Av(doing), ": ", reason)));
}

absl::Status TlsSession::HandshakeError(std::string_view reason) const {
  const long verify = SSL_get_verify_result(ssl_.get());
  if (verify != X509_V_OK && (verify_ == TlsVerify::kRequired || SSL_is_server(ssl_.get()))) {
    return absl::UnauthenticatedError(
        absl::StrCat("the TLS peer could not be verified: ", X509_verify_cert_error_string(verify)));
  }
  return absl::UnavailableError(absl::StrCat("TLS handshake: ", base::Av(reason)));
}

void TlsSession::FillInfo() {
  SSL* ssl = ssl_.get();
  info_.version = SSL_get_version(ssl);
  info_.cipher = SSL_get_cipher_name(ssl);
  info_.cipher_bits = SSL_get_cipher_bits(ssl, nullptr);
  info_.resumed = SSL_session_reused(ssl) == 1;
  if (const char* sni = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name)) info_.sni = absl::AsciiStrToLower(sni);
  const X509* certificate = SSL_get0_peer_certificate(ssl);
  if (certificate == nullptr) return;
  info_.peer_names = CertificateNames(certificate);
  const long verify = SSL_get_verify_result(ssl);
  // Without an expected name a client has verified nothing, whatever the chain is worth.
  info_.verified = verify == X509_V_OK && (named_ || SSL_is_server(ssl));
  if (verify != X509_V_OK) info_.verify_error = X509_verify_cert_error_string(verify);
}

absl::StatusOr<std::string> TlsSession::ExportKeyingMaterial(std::string_view label, size_t size) const {
  if (broken_ || SSL_in_init(ssl_.get())) return absl::FailedPreconditionError("no TLS session");
  // RFC 9266, 4.1: with TLS 1.2 only where the extended master secret was used (RFC 7627).
  if (SSL_version(ssl_.get()) < TLS1_3_VERSION && SSL_get_extms_support(ssl_.get()) != 1) {
    return absl::FailedPreconditionError("TLS 1.2 without extended master secret");
  }
  std::string material(size, '\0');
  ERR_clear_error();
  // RFC 9266, 3: the context is the empty string; TLS 1.3 does not tell it from none, TLS 1.2 does.
  if (SSL_export_keying_material(ssl_.get(), reinterpret_cast<unsigned char*>(material.data()), material.size(),
                                 label.data(), label.size(), nullptr, 0, 1) != 1) {
    return OpenSslError(absl::StatusCode::kInternal, "exporting keying material");
  }
  return material;
}

}  // namespace mailmesh::net
