// Certificates of roles, for tests.
#ifndef MAILMESH_TESTS_UNIT_COMMON_RPC_TEST_PKI_H_
#define MAILMESH_TESTS_UNIT_COMMON_RPC_TEST_PKI_H_

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "common/net/pki.h"
#include "common/rpc/tls.h"

namespace mailmesh::rpc {

inline void WriteFile(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

// A folder of certificates, one authority.
class Pki {
 public:
  Pki() : authority_(net::CertificateAuthority::Create("test").value()) {}

  // Makes the folder `name` with the three files of `role`.
  TlsFiles Issue(const std::string& folder, const std::vector<std::string>& uris,
                 absl::Duration validity = absl::Hours(1)) {
    std::filesystem::create_directories(folder);
    net::LeafRequest request;
    request.common_name = "test";
    request.dns_names = {"localhost"};
    request.uris = uris;
    request.client_auth = true;
    request.validity = validity;
    net::PemPair pair = authority_.Issue(request).value();
    TlsFiles files{folder + "/tls.crt", folder + "/tls.key", folder + "/ca.crt"};
    WriteFile(files.certificate, pair.certificate);
    WriteFile(files.private_key, pair.key);
    WriteFile(files.authority, authority_.pem().certificate);
    return files;
  }

 private:
  net::CertificateAuthority authority_;
};

}  // namespace mailmesh::rpc

#endif  // MAILMESH_TESTS_UNIT_COMMON_RPC_TEST_PKI_H_
