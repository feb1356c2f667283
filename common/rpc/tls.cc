#include "common/rpc/tls.h"

#include <grpc/grpc_security_constants.h>
#include <grpcpp/security/auth_context.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_certificate_verifier.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/rpc/access_check.h"

namespace mailmesh::rpc {
namespace {

constexpr unsigned int kRefreshSeconds = 1;

using SslContext = std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)>;

absl::Status FileError(const std::string& what, const std::string& file) {
  char text[256] = "unknown error";
  unsigned long code = ERR_get_error();
  if (code != 0) {
    ERR_error_string_n(code, text, sizeof text);
  }
  ERR_clear_error();
  return absl::FailedPreconditionError(absl::StrCat(what, " ", file, ": ", text));
}

std::optional<std::string> RoleOf(std::string_view uri) {
  constexpr std::string_view kPrefix = kRoleUriPrefix;
  if (uri.substr(0, kPrefix.size()) != kPrefix || uri.size() == kPrefix.size()) {
    return std::nullopt;
  }
  return std::string(uri.substr(kPrefix.size()));
}

std::vector<std::string> RolesOf(const X509* certificate) {
  std::vector<std::string> roles;
  auto* names = static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names, i);
    if (name->type != GEN_URI) {
      continue;
    }
    const ASN1_IA5STRING* uri = name->d.uniformResourceIdentifier;
    std::string_view text(reinterpret_cast<const char*>(ASN1_STRING_get0_data(uri)),
                          static_cast<size_t>(ASN1_STRING_length(uri)));
    std::optional<std::string> role = RoleOf(text);
    if (role.has_value()) {
      roles.push_back(*std::move(role));
    }
  }
  GENERAL_NAMES_free(names);
  return roles;
}

absl::Status LoadCertificate(SSL_CTX* context, const std::string& file) {
  if (SSL_CTX_use_certificate_chain_file(context, file.c_str()) != 1) {
    return FileError("cannot read the certificate", file);
  }
  return absl::OkStatus();
}

absl::Status CheckCertificate(const X509* certificate, const std::string& file) {
  if (X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0) {
    return absl::FailedPreconditionError(absl::StrCat("the certificate ", file, " has expired: issue a new one"));
  }
  if (RolesOf(certificate).empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat("the certificate ", file, " names no role: it needs a URI name ", kRoleUriPrefix, "ROLE"));
  }
  return absl::OkStatus();
}

// Accepts a server whose certificate, verified by the authority already, names the role that we want to talk to.
class RoleVerifier final : public grpc::experimental::ExternalCertificateVerifier {
 public:
  explicit RoleVerifier(std::string role) : uri_(RoleUri(role)) {}

  bool Verify(grpc::experimental::TlsCustomVerificationCheckRequest* request, std::function<void(grpc::Status)>,
              grpc::Status* sync_status) override {
    for (grpc::string_ref name : request->uri_names()) {
      if (std::string_view(name.data(), name.size()) == uri_) {
        *sync_status = grpc::Status::OK;
        return true;
      }
    }
    *sync_status = grpc::Status(grpc::StatusCode::UNAUTHENTICATED, "the server's certificate is not of " + uri_);
    return true;
  }
  void Cancel(grpc::experimental::TlsCustomVerificationCheckRequest*) override {}

 private:
  const std::string uri_;
};

std::shared_ptr<grpc::experimental::CertificateProviderInterface> Watch(const TlsFiles& files) {
  return std::make_shared<grpc::experimental::FileWatcherCertificateProvider>(files.private_key, files.certificate,
                                                                              files.authority, kRefreshSeconds);
}

}  // namespace

absl::Status CheckTlsFiles(const TlsFiles& files) {
  SslContext context(SSL_CTX_new(TLS_method()), &SSL_CTX_free);
  ERR_clear_error();
  RETURN_IF_ERROR(LoadCertificate(context.get(), files.certificate));
  if (SSL_CTX_use_PrivateKey_file(context.get(), files.private_key.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(context.get()) != 1) {
    return FileError(absl::StrCat("not the private key of ", files.certificate, ":"), files.private_key);
  }
  if (SSL_CTX_load_verify_file(context.get(), files.authority.c_str()) != 1) {
    return FileError("cannot read the authority", files.authority);
  }
  return CheckCertificate(SSL_CTX_get0_certificate(context.get()), files.certificate);
}

absl::StatusOr<std::vector<std::string>> RolesOfCertificate(const std::string& certificate_file) {
  SslContext context(SSL_CTX_new(TLS_method()), &SSL_CTX_free);
  ERR_clear_error();
  RETURN_IF_ERROR(LoadCertificate(context.get(), certificate_file));
  return RolesOf(SSL_CTX_get0_certificate(context.get()));
}

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> MakeServerCredentials(const TlsFiles& files) {
  RETURN_IF_ERROR(CheckTlsFiles(files));
  grpc::experimental::TlsServerCredentialsOptions options(Watch(files));
  options.watch_identity_key_cert_pairs();
  options.watch_root_certs();
  options.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  std::shared_ptr<grpc::ServerCredentials> credentials = grpc::experimental::TlsServerCredentials(options);
  credentials->SetAuthMetadataProcessor(rpc_internal::MakeAccessCheck());
  return credentials;
}

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> MakeChannelCredentials(const TlsFiles& files,
                                                                                 std::string_view server_role) {
  RETURN_IF_ERROR(CheckTlsFiles(files));
  grpc::experimental::TlsChannelCredentialsOptions options;
  options.set_certificate_provider(Watch(files));
  options.watch_identity_key_cert_pairs();
  options.watch_root_certs();
  options.set_verify_server_certs(true);
  options.set_check_call_host(false);  // the role is the identity, not the host
  options.set_certificate_verifier(
      grpc::experimental::ExternalCertificateVerifier::Create<RoleVerifier>(std::string(server_role)));
  return grpc::experimental::TlsCredentials(options);
}

namespace rpc_internal {

std::vector<std::string> RolesOfPeer(const grpc::AuthContext& peer) {
  std::vector<std::string> roles;
  if (!peer.IsPeerAuthenticated()) {
    return roles;
  }
  // URI names only: x509_subject_alternative_name has names of the other kinds, too, which may be spelled like one.
  for (grpc::string_ref name : peer.FindPropertyValues(GRPC_PEER_URI_PROPERTY_NAME)) {
    std::optional<std::string> role = RoleOf(std::string_view(name.data(), name.size()));
    if (role.has_value()) {
      roles.push_back(*std::move(role));
    }
  }
  return roles;
}

}  // namespace rpc_internal
}  // namespace mailmesh::rpc
