// `mailmesh account ensure`: what a job does that may run again, such as the one that makes a site's first account.
#include <CLI/CLI.hpp>
#include <iostream>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/base/file.h"
#include "common/base/status.h"
#include "mailmesh/directory/v1/directory_admin_service.grpc.pb.h"
#include "services/mailmesh/cli/actions.h"

namespace mailmesh::cli {
namespace {

using directory::v1::DirectoryAdminService;
using Stub = DirectoryAdminService::Stub;

constexpr size_t kMaxPasswordFile = 64 * 1024;

struct Arguments {
  std::string address;
  std::string password_file;
  bool set_password = false;
};

// The first line, as with --password-stdin.
absl::StatusOr<std::string> ReadPassword(const std::string& file) {
  ASSIGN_OR_RETURN(const std::string content, base::ReadFile(file, kMaxPasswordFile));
  std::string password = content.substr(0, content.find('\n'));
  if (!password.empty() && password.back() == '\r') password.pop_back();
  if (password.empty()) return absl::InvalidArgumentError(file + " has no password in its first line");
  return password;
}

absl::Status EnsureDomain(Stub* stub, const std::string& address) {
  const size_t at = address.rfind('@');
  if (at == std::string::npos) return absl::InvalidArgumentError(address + " is no address");
  directory::v1::CreateDomainRequest request;
  request.set_request_id(NewRequestId());
  request.mutable_domain()->set_name(address.substr(at + 1));
  request.mutable_domain()->set_kind(directory::v1::DOMAIN_KIND_LOCAL);
  const absl::Status status = Call(stub, &Stub::CreateDomain, request).status();
  return absl::IsAlreadyExists(status) ? absl::OkStatus() : status;
}

absl::Status SetPassword(Stub* stub, const std::string& address, const std::string& password) {
  directory::v1::SetPasswordRequest request;
  request.set_request_id(NewRequestId());
  request.set_address(address);
  request.set_password(password);
  return Call(stub, &Stub::SetPassword, request).status();
}

absl::Status Ensure(Context& context, const Arguments& arguments) {
  ASSIGN_OR_RETURN(const std::string password, ReadPassword(arguments.password_file));
  ASSIGN_OR_RETURN(const auto stub, Connect<DirectoryAdminService>(context, "directory"));
  RETURN_IF_ERROR(EnsureDomain(stub.get(), arguments.address));
  directory::v1::CreateAccountRequest request;
  request.set_request_id(NewRequestId());
  request.set_address(arguments.address);
  request.set_password(password);
  const absl::Status created = Call(stub.get(), &Stub::CreateAccount, request).status();
  if (!created.ok() && !absl::IsAlreadyExists(created)) return created;
  // An alias may have the address: that is no account.
  RETURN_IF_ERROR(FindAccount(context, arguments.address).status());
  if (!created.ok() && arguments.set_password) RETURN_IF_ERROR(SetPassword(stub.get(), arguments.address, password));
  std::cout << FormatRecord({{"address", arguments.address}, {"account", created.ok() ? "created" : "was there"}}, context.output);
  return absl::OkStatus();
}

}  // namespace

void AddAccountEnsureCommand(CLI::App& account) {
  auto arguments = std::make_shared<Arguments>();
  auto* ensure = account.add_subcommand("ensure", "Creates an account, and its domain, unless they are there");
  ensure->add_option("ADDRESS", arguments->address, "Its address")->required();
  ensure->add_option("--password-file", arguments->password_file, "File whose first line is the password")->required();
  ensure->add_flag("--set-password", arguments->set_password, "Give an account that is there this password too");
  SetAction(ensure, [arguments](Context& context) { return Ensure(context, *arguments); });
}

}  // namespace mailmesh::cli
