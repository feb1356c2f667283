#include "services/mailmesh/up/identity.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/base/file.h"
#include "common/base/status.h"
#include "common/net/pki.h"

namespace mailmesh::up {
namespace {

absl::StatusOr<net::CertificateAuthority> EnsureAuthority(const Layout& layout) {
  const std::string key = layout.pki() + "/ca.key";
  auto loaded = net::CertificateAuthority::Load(layout.authority(), key);
  if (loaded.ok() || !absl::IsNotFound(loaded.status())) return loaded;
  ASSIGN_OR_RETURN(net::CertificateAuthority made, net::CertificateAuthority::Create("Mailmesh local authority"));
  RETURN_IF_ERROR(made.Save(layout.authority(), key));
  return made;
}

// Whether the certificate is there, lasts for another month, and carries the name.
bool IsCurrent(const std::string& path, const std::string& name) {
  const auto pem = base::ReadFile(path);
  if (!pem.ok()) return false;
  const auto info = net::DescribeCertificate(*pem);
  if (!info.ok() || info->not_after < absl::Now() + absl::Hours(24 * 30)) return false;
  return std::find(info->names.begin(), info->names.end(), name) != info->names.end();
}

absl::Status Ensure(const net::CertificateAuthority& authority, const IdentityFiles& files, const std::string& name,
                    const net::LeafRequest& request) {
  if (base::FileExists(files.key) && IsCurrent(files.certificate, name)) return absl::OkStatus();
  ASSIGN_OR_RETURN(const net::PemPair pem, authority.Issue(request));
  return net::SavePemPair(pem, files.certificate, files.key);
}

}  // namespace

IdentityFiles FilesOf(const Layout& layout, const std::string& name) {
  return {absl::StrCat(layout.pki(), "/", name, ".pem"), absl::StrCat(layout.pki(), "/", name, ".key")};
}

absl::Status EnsureIdentities(const Layout& layout, const std::string& hostname, const std::vector<std::string>& roles) {
  ASSIGN_OR_RETURN(const net::CertificateAuthority authority, EnsureAuthority(layout));
  net::LeafRequest server;
  server.common_name = hostname;
  server.dns_names = {"localhost"};
  if (hostname != "localhost") server.dns_names.push_back(hostname);
  for (const char* text : {"127.0.0.1", "::1"}) {
    ASSIGN_OR_RETURN(const net::IpAddress address, net::IpAddress::Parse(text));
    server.ip_addresses.push_back(address);
  }
  RETURN_IF_ERROR(Ensure(authority, FilesOf(layout, "server"), hostname, server));
  for (const std::string& role : roles) {
    const std::string uri = absl::StrCat("mailmesh://role/", role);
    net::LeafRequest request;
    request.common_name = role;
    request.uris = {uri};
    request.dns_names = {"localhost"};
    ASSIGN_OR_RETURN(const net::IpAddress loopback, net::IpAddress::Parse("127.0.0.1"));
    request.ip_addresses = {loopback};
    request.client_auth = true;
    RETURN_IF_ERROR(Ensure(authority, FilesOf(layout, role), uri, request));
  }
  return absl::OkStatus();
}

}  // namespace mailmesh::up
