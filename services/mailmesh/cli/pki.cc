#include <CLI/CLI.hpp>
#include <iostream>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/base/file.h"
#include "common/base/status.h"
#include "common/net/pki.h"
#include "services/mailmesh/cli/actions.h"

namespace mailmesh::cli {
namespace {

struct PkiArguments {
  std::string folder;
  std::string role;
  std::string name;
  std::vector<std::string> dns_names;
  std::vector<std::string> ip_addresses;
  int days = 397;
};

absl::Status InitAuthority(const PkiArguments& arguments) {
  const std::string certificate = arguments.folder + "/ca.pem";
  if (base::FileExists(certificate)) return absl::AlreadyExistsError(certificate + " is there already");
  RETURN_IF_ERROR(base::MakeDirectories(arguments.folder, 0700));
  ASSIGN_OR_RETURN(const auto authority, net::CertificateAuthority::Create("Mailmesh authority"));
  RETURN_IF_ERROR(authority.Save(certificate, arguments.folder + "/ca.key"));
  std::cout << certificate << "\n";
  return absl::OkStatus();
}

absl::Status Issue(const PkiArguments& arguments) {
  if (arguments.role.empty() && arguments.dns_names.empty() && arguments.ip_addresses.empty()) {
    return absl::InvalidArgumentError("a certificate needs --role, --dns or --ip");
  }
  ASSIGN_OR_RETURN(const auto authority,
                   net::CertificateAuthority::Load(arguments.folder + "/ca.pem", arguments.folder + "/ca.key"));
  net::LeafRequest request;
  request.common_name = arguments.name;
  request.dns_names = arguments.dns_names;
  for (const std::string& text : arguments.ip_addresses) {
    ASSIGN_OR_RETURN(const net::IpAddress address, net::IpAddress::Parse(text));
    request.ip_addresses.push_back(address);
  }
  if (!arguments.role.empty()) {
    request.uris = {absl::StrCat("mailmesh://role/", arguments.role)};
    request.client_auth = true;
  }
  request.validity = absl::Hours(24 * arguments.days);
  ASSIGN_OR_RETURN(const net::PemPair pem, authority.Issue(request));
  const std::string stem = absl::StrCat(arguments.folder, "/", arguments.name);
  RETURN_IF_ERROR(net::SavePemPair(pem, stem + ".pem", stem + ".key"));
  std::cout << stem << ".pem\n" << stem << ".key\n";
  return absl::OkStatus();
}

}  // namespace

void AddPkiCommands(CLI::App& app) {
  auto arguments = std::make_shared<PkiArguments>();
  auto* pki = app.add_subcommand("pki", "Certificates of a mesh's own authority")->require_subcommand(1);
  auto* init = pki->add_subcommand("init", "Makes an authority: ca.pem and ca.key");
  init->add_option("FOLDER", arguments->folder, "Where its files go")->required();
  SetAction(init, [arguments](Context&) { return InitAuthority(*arguments); });
  auto* issue = pki->add_subcommand("issue", "Issues a certificate: NAME.pem and NAME.key");
  issue->add_option("FOLDER", arguments->folder, "The authority's folder")->required();
  issue->add_option("NAME", arguments->name, "Name of the files")->required();
  issue->add_option("--role", arguments->role, "Role in the mesh (a URI name), such as imap_gateway or operator");
  issue->add_option("--dns", arguments->dns_names, "Host names");
  issue->add_option("--ip", arguments->ip_addresses, "Addresses");
  issue->add_option("--days", arguments->days, "Days until it ends")->check(CLI::Range(1, 3650));
  SetAction(issue, [arguments](Context&) { return Issue(*arguments); });
}

}  // namespace mailmesh::cli
