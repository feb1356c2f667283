#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/base/file.h"
#include "common/base/status.h"
#include "common/net/pki.h"
#include "common/rpc/tls.h"
#include "services/mailmesh/cli/actions.h"
#include "services/mailmesh/pki/authorities.h"
#include "services/mailmesh/pki/flat_folder.h"
#include "services/mailmesh/pki/folder_store.h"
#include "services/mailmesh/pki/renew.h"
#include "services/mailmesh/pki/secret_store.h"
#include "services/mailmesh/up/roles.h"

namespace mailmesh::cli {
namespace {

using pki::Bundle;
using pki::BundleStore;

// Where the mesh's certificates are: a folder, or the Secrets of a release.
struct Place {
  std::string folder;
  bool kubernetes = false;
  std::string release;
  std::string name_space;
  std::string service_account = pki::kServiceAccountFolder;
  std::map<std::string, std::string> labels;
};

struct IssueArguments {
  std::string folder;
  std::string role;
  std::string name;
  std::vector<std::string> dns_names;
  std::vector<std::string> ip_addresses;
  int days = 397;
};

struct RenewArguments {
  Place place;
  std::vector<std::string> roles;
  std::vector<std::string> host_names;
  std::vector<std::string> labels;
  int days = 90;
  std::string overlap = "24h";
  bool new_authority = false;
  bool reissue = false;
};

std::string TrustFile(const std::string& folder) { return folder + "/ca.pem"; }

absl::StatusOr<std::unique_ptr<pki::FolderStore>> OpenFolder(const std::string& folder) {
  ASSIGN_OR_RETURN(auto store, pki::FolderStore::Open(folder));
  ASSIGN_OR_RETURN(const std::vector<std::string> said, pki::TakeOverFlatFolder(*store, TrustFile(folder), {}));
  for (const std::string& line : said) std::cerr << line << "\n";
  return store;
}

absl::StatusOr<std::unique_ptr<BundleStore>> OpenSecrets(const Place& place) {
  if (place.release.empty()) return absl::InvalidArgumentError("--kubernetes needs --release");
  ASSIGN_OR_RETURN(auto api, pki::KubernetesApi::InCluster(place.service_account));
  return std::make_unique<pki::SecretStore>(std::move(api),
                                            pki::SecretStore::Options{place.release, place.name_space, place.labels});
}

absl::Status CheckPlace(const Place& place) {
  if (place.kubernetes == !place.folder.empty()) return absl::InvalidArgumentError("either FOLDER or --kubernetes is needed");
  return absl::OkStatus();
}

absl::Status RenewIn(BundleStore& store, const pki::RenewOptions& options) {
  ASSIGN_OR_RETURN(const pki::Renewal renewal, pki::Renew(store, options, base::Clock::Real()));
  for (const std::string& line : renewal.changes) std::cout << line << "\n";
  for (const std::string& line : renewal.notes) std::cerr << "note: " << line << "\n";
  return absl::OkStatus();
}

absl::StatusOr<std::set<std::string>> ParseRoles(const std::vector<std::string>& roles) {
  for (const std::string& role : roles) {
    if (!pki::IsRoleName(role)) return absl::InvalidArgumentError(absl::StrCat("not the name of a role: \"", role, "\""));
  }
  return std::set<std::string>(roles.begin(), roles.end());
}

absl::Status Init(const RenewArguments& arguments) {
  const std::string& folder = arguments.place.folder;
  const std::string certificate = TrustFile(folder);
  if (base::FileExists(certificate)) return absl::AlreadyExistsError(certificate + " is there already");
  pki::RenewOptions options;
  ASSIGN_OR_RETURN(options.roles, ParseRoles(arguments.roles));
  ASSIGN_OR_RETURN(auto store, pki::FolderStore::Open(folder));
  ASSIGN_OR_RETURN(const Bundle there, store->Read(pki::kAuthorityBundle));
  if (!there.files.empty()) return absl::AlreadyExistsError(store->PlaceOf(pki::kAuthorityBundle) + " is there already");
  RETURN_IF_ERROR(RenewIn(*store, options));
  RETURN_IF_ERROR(pki::LinkTrustFile(*store, certificate));
  std::cout << certificate << "\n";
  return absl::OkStatus();
}

absl::Status RenewAll(const RenewArguments& arguments, const Context& context) {
  Place place = arguments.place;
  std::string trust_file = TrustFile(place.folder);
  if (place.folder.empty() && !place.kubernetes && !context.dir.empty()) {
    place.folder = context.dir + "/pki";
    trust_file = TrustFile(context.dir);
  }
  RETURN_IF_ERROR(CheckPlace(place));
  pki::RenewOptions options;
  ASSIGN_OR_RETURN(options.roles, ParseRoles(arguments.roles));
  for (const std::string& name : arguments.host_names) {
    ASSIGN_OR_RETURN(const std::string parsed, pki::ParseHostName(name));
    options.host_names.push_back(parsed);
  }
  options.validity = absl::Hours(24 * arguments.days);
  if (!absl::ParseDuration(arguments.overlap, &options.overlap) || options.overlap <= absl::ZeroDuration()) {
    return absl::InvalidArgumentError(absl::StrCat("--overlap is no duration like 24h: ", arguments.overlap));
  }
  options.new_authority = arguments.new_authority;
  options.reissue = arguments.reissue;
  if (!place.kubernetes) {
    ASSIGN_OR_RETURN(auto store, OpenFolder(place.folder));
    RETURN_IF_ERROR(RenewIn(*store, options));
    return pki::LinkTrustFile(*store, trust_file);
  }
  for (const std::string& label : arguments.labels) {
    const size_t equals = label.find('=');
    if (equals == std::string::npos) return absl::InvalidArgumentError("--label is KEY=VALUE: " + label);
    place.labels[label.substr(0, equals)] = label.substr(equals + 1);
  }
  options.skip_forbidden = true;
  if (options.roles.empty() && options.host_names.empty()) {
    for (const up::Role& role : up::Roles()) options.roles.insert(role.name);
    options.roles.insert("operator");
  }
  ASSIGN_OR_RETURN(auto store, OpenSecrets(place));
  return RenewIn(*store, options);
}

absl::Status Issue(const IssueArguments& arguments) {
  if (arguments.role.empty() && arguments.dns_names.empty() && arguments.ip_addresses.empty()) {
    return absl::InvalidArgumentError("a certificate needs --role, --dns or --ip");
  }
  if (arguments.name == "ca" || absl::StrContains(arguments.name, '/')) {
    return absl::InvalidArgumentError("no name for a certificate: " + arguments.name);
  }
  ASSIGN_OR_RETURN(auto store, OpenFolder(arguments.folder));
  ASSIGN_OR_RETURN(const Bundle bundle, store->Read(pki::kAuthorityBundle));
  if (bundle.files.empty()) {
    return absl::NotFoundError(absl::StrCat("no authority in ", arguments.folder, ": make one with `mailmesh pki init`"));
  }
  ASSIGN_OR_RETURN(const pki::Authorities authorities, pki::ReadAuthorities(bundle.files));
  ASSIGN_OR_RETURN(const auto authority, net::CertificateAuthority::FromPem(authorities.signer));
  net::LeafRequest request;
  request.common_name = arguments.name;
  request.dns_names = arguments.dns_names;
  for (const std::string& text : arguments.ip_addresses) {
    ASSIGN_OR_RETURN(const net::IpAddress address, net::IpAddress::Parse(text));
    request.ip_addresses.push_back(address);
  }
  if (!arguments.role.empty()) {
    request.uris = {rpc::RoleUri(arguments.role)};
    request.client_auth = true;
  }
  request.validity = absl::Hours(24 * arguments.days);
  ASSIGN_OR_RETURN(const net::PemPair pem, authority.Issue(request));
  const std::string stem = absl::StrCat(arguments.folder, "/", arguments.name);
  if (const auto before = base::ReadFile(stem + ".pem"); before.ok()) {
    const std::vector<std::string> ours = authorities.All();
    if (std::none_of(ours.begin(), ours.end(), [&](const auto& one) { return net::IsSignedBy(*before, one); })) {
      return absl::AlreadyExistsError(absl::StrCat(stem, ".pem is there, and not of this authority: move it away"));
    }
  }
  RETURN_IF_ERROR(net::SavePemPair(pem, stem + ".pem", stem + ".key"));
  std::cout << stem << ".pem\n" << stem << ".key\n";
  return absl::OkStatus();
}

std::string StateOf(const net::CertificateInfo& info) {
  if (info.not_after <= absl::Now()) return "expired";
  return pki::IsDue(info, absl::Now()) ? "due" : "good";
}

// One row for each certificate of a PEM text.
absl::Status AddRows(const std::string& bundle, const std::string& use, const std::string& pem, Table& table) {
  ASSIGN_OR_RETURN(const std::vector<std::string> certificates, net::SplitCertificates(pem));
  for (const std::string& one : certificates) {
    ASSIGN_OR_RETURN(const net::CertificateInfo info, net::DescribeCertificate(one));
    table.AddRow({bundle, use, Printable(info.names.empty() ? info.subject : absl::StrJoin(info.names, " ")),
                  Printable(info.issuer), FormatTime(absl::ToUnixSeconds(info.not_after)), StateOf(info)});
  }
  return absl::OkStatus();
}

absl::Status List(const Place& given, const Context& context) {
  Place place = given;
  if (place.folder.empty() && !place.kubernetes && !context.dir.empty()) place.folder = context.dir + "/pki";
  RETURN_IF_ERROR(CheckPlace(place));
  std::unique_ptr<BundleStore> store;
  if (place.kubernetes) {
    ASSIGN_OR_RETURN(store, OpenSecrets(place));
  } else {
    ASSIGN_OR_RETURN(store, pki::FolderStore::Open(place.folder));
  }
  ASSIGN_OR_RETURN(const Bundle bundle, store->Read(pki::kAuthorityBundle));
  if (bundle.files.empty()) return absl::NotFoundError(absl::StrCat("no authority in ", store->PlaceOf(pki::kAuthorityBundle)));
  ASSIGN_OR_RETURN(const pki::Authorities authorities, pki::ReadAuthorities(bundle.files));
  Table table({"bundle", "use", "names", "issuer", "ends", "state"});
  RETURN_IF_ERROR(AddRows(pki::kAuthorityBundle, "signs", authorities.signer.certificate, table));
  if (authorities.next.has_value()) RETURN_IF_ERROR(AddRows(pki::kAuthorityBundle, "signs next", authorities.next->certificate, table));
  RETURN_IF_ERROR(AddRows(pki::kAuthorityBundle, "signed before", authorities.previous, table));
  for (const std::string& name : authorities.certificates) {
    ASSIGN_OR_RETURN(Bundle one, store->Read(name));
    RETURN_IF_ERROR(AddRows(name, "certificate", one.files[pki::kCertificate], table));
    RETURN_IF_ERROR(AddRows(name, "trusts", one.files[pki::kTrusted], table));
  }
  std::cout << table.Format(context.output);
  return absl::OkStatus();
}

void AddPlaceOptions(CLI::App& command, Place& place) {
  command.add_option("FOLDER", place.folder, "The folder of the authority; DIR/pki where --dir is given");
  command.add_flag("--kubernetes", place.kubernetes, "Secrets of this pod's cluster instead of a folder, as its service account");
  command.add_option("--release", place.release, "With --kubernetes: the Secrets are named RELEASE-pki-NAME");
  command.add_option("--namespace", place.name_space, "With --kubernetes: where they are; the pod's own if not given");
  command.add_option("--service-account", place.service_account, "With --kubernetes: folder of token, ca.crt and namespace")
      ->capture_default_str();
}

void AddIssue(CLI::App& pki) {
  auto arguments = std::make_shared<IssueArguments>();
  auto* issue = pki.add_subcommand("issue", "Issues one certificate that is not renewed by itself: NAME.pem and NAME.key");
  issue->add_option("FOLDER", arguments->folder, "The authority's folder")->required();
  issue->add_option("NAME", arguments->name, "Name of the files")->required();
  issue->add_option("--role", arguments->role, "Role in the mesh (a URI name), such as imap_gateway or operator");
  issue->add_option("--dns", arguments->dns_names, "Host names");
  issue->add_option("--ip", arguments->ip_addresses, "Addresses");
  issue->add_option("--days", arguments->days, "Days until it ends")->check(CLI::Range(1, 3650));
  SetAction(issue, [arguments](Context&) { return Issue(*arguments); });
}

void AddRenew(CLI::App& pki) {
  auto arguments = std::make_shared<RenewArguments>();
  auto* renew = pki.add_subcommand("renew", "Makes what is missing and renews what has come to two thirds of its life");
  AddPlaceOptions(*renew, arguments->place);
  renew->add_option("--roles", arguments->roles,
                    "Roles that get a certificate, beside those that have one (Kubernetes, without --server-dns: all)")
      ->delimiter(',')
      ->allow_extra_args(false);
  renew->add_option("--server-dns", arguments->host_names, "Names of the public ports' certificate, which is made where it is given")
      ->delimiter(',')
      ->allow_extra_args(false);
  renew->add_option("--label", arguments->labels, "With --kubernetes: KEY=VALUE, a label of Secrets that are made")
      ->allow_extra_args(false);
  renew->add_option("--days", arguments->days, "Days until a certificate ends")->check(CLI::Range(1, 397))->capture_default_str();
  renew->add_option("--overlap", arguments->overlap,
                    "How long the old and the new authority are trusted together, once all have the new one")
      ->capture_default_str();
  renew->add_flag("--new-authority", arguments->new_authority, "Begins a change of the authority now; two later runs end it");
  renew->add_flag("--reissue", arguments->reissue, "Renews every certificate of this authority now, as after a key was lost");
  SetAction(renew, [arguments](Context& context) { return RenewAll(*arguments, context); });
}

}  // namespace

void AddPkiCommands(CLI::App& app) {
  auto* pki = app.add_subcommand("pki", "Certificates of a mesh's own authority")->require_subcommand(1);
  auto init_arguments = std::make_shared<RenewArguments>();
  auto* init = pki->add_subcommand("init", "Makes an authority, and certificates of roles: FOLDER/ca.pem, FOLDER/ROLE/");
  init->add_option("FOLDER", init_arguments->place.folder, "Where its files go")->required();
  init->add_option("--roles", init_arguments->roles, "Roles that get a certificate, in a folder of their own each")
      ->delimiter(',')
      ->allow_extra_args(false);
  SetAction(init, [init_arguments](Context&) { return Init(*init_arguments); });
  AddIssue(*pki);
  AddRenew(*pki);
  auto place = std::make_shared<Place>();
  auto* list = pki->add_subcommand("list", "Lists certificates, the authorities that they trust, and when they end");
  AddPlaceOptions(*list, *place);
  SetAction(list, [place](Context& context) { return List(*place, context); });
}

}  // namespace mailmesh::cli
