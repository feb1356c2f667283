// OpenSSL's objects with owners, and its error queue as a Status. Private to common/net.
#ifndef MAILMESH_COMMON_NET_OPENSSL_UTIL_H_
#define MAILMESH_COMMON_NET_OPENSSL_UTIL_H_

#include <absl/status/status.h>
#include <absl/time/time.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mailmesh::net {

template <auto kFree>
struct FreeWith {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};

using SslCtxPtr = std::unique_ptr<SSL_CTX, FreeWith<&SSL_CTX_free>>;
using X509Ptr = std::unique_ptr<X509, FreeWith<&X509_free>>;
using PkeyPtr = std::unique_ptr<EVP_PKEY, FreeWith<&EVP_PKEY_free>>;
using BioPtr = std::unique_ptr<BIO, FreeWith<&BIO_free>>;

// Takes everything from this thread's error queue.
std::string TakeOpenSslErrors();
absl::Status OpenSslError(absl::StatusCode code, std::string_view doing);

// DNS names (lower case), IP addresses and URIs among the subject alternative names, at most `limit`.
std::vector<std::string> CertificateNames(const X509* certificate, size_t limit = 64);
// Only the DNS names.
std::vector<std::string> CertificateDnsNames(const X509* certificate);

absl::Time FromAsn1Time(const ASN1_TIME* time);

// Reads a key without ever asking a terminal for its password.
int RefusePassword(char* buffer, int size, int writing, void* context);

}  // namespace mailmesh::net

#endif  // MAILMESH_COMMON_NET_OPENSSL_UTIL_H_
