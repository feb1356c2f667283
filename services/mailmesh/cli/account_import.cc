// `mailmesh account import`: accounts with the password hashes that another system has, one a line.
#include <CLI/CLI.hpp>
#include <fstream>
#include <iostream>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "mailmesh/directory/v1/directory_admin_service.grpc.pb.h"
#include "services/mailmesh/cli/actions.h"
#include "services/mailmesh/cli/progress.h"

namespace mailmesh::cli {
namespace {

using directory::v1::DirectoryAdminService;
using Stub = DirectoryAdminService::Stub;

constexpr size_t kMaxLine = 4096;

struct Arguments {
  std::string file;
  std::string domain;
  bool update = false;
};

struct Counts {
  uint64_t created = 0, updated = 0, present = 0;
  std::vector<std::string> failed;
};

// "anna@example.test:{ARGON2ID}$argon2id$...": what follows a second colon (passwd-file, shadow) is not ours. An empty or
// locked hash ("", "*", "!...") makes an account without a password.
absl::StatusOr<std::pair<std::string, std::string>> ParseLine(const std::string& line, const std::string& domain) {
  if (line.size() > kMaxLine) return absl::InvalidArgumentError("the line is too long");
  const size_t colon = line.find(':');
  if (colon == std::string::npos || colon == 0) return absl::InvalidArgumentError("not ADDRESS:HASH");
  std::string address = line.substr(0, colon);
  std::string hash = line.substr(colon + 1, line.find(':', colon + 1) - colon - 1);
  if (hash == "*" || (!hash.empty() && hash.front() == '!')) hash.clear();
  if (address.find('@') == std::string::npos) {
    if (domain.empty()) return absl::InvalidArgumentError("the address has no domain; use --domain");
    absl::StrAppend(&address, "@", domain);
  }
  return std::pair(std::move(address), std::move(hash));
}

absl::Status ImportOne(Stub* stub, const std::string& address, const std::string& hash, const Arguments& arguments, Counts& counts) {
  directory::v1::CreateAccountRequest create;
  create.set_request_id(NewRequestId());
  create.set_address(address);
  create.set_password_hash(hash);
  const absl::Status created = Call(stub, &Stub::CreateAccount, create).status();
  if (created.ok()) ++counts.created;
  if (!absl::IsAlreadyExists(created)) return created;
  if (!arguments.update || hash.empty()) {
    ++counts.present;
    return absl::OkStatus();
  }
  directory::v1::SetPasswordRequest set;
  set.set_request_id(NewRequestId());
  set.set_address(address);
  set.set_password_hash(hash);
  RETURN_IF_ERROR(Call(stub, &Stub::SetPassword, set).status());
  ++counts.updated;
  return absl::OkStatus();
}

// A line that is refused stops nothing, and is told; a directory that is away ends the run, which may be repeated.
absl::Status ImportLines(Stub* stub, std::istream& in, const Arguments& arguments, Counts& counts) {
  Progress progress("importing");
  progress.Begin("accounts", 0);
  std::string line;
  for (uint64_t number = 1; std::getline(in, line); ++number) {
    const std::string text(absl::StripAsciiWhitespace(line));
    if (text.empty() || text.front() == '#') continue;
    const auto parsed = ParseLine(text, arguments.domain);
    const absl::Status status =
        parsed.ok() ? ImportOne(stub, parsed->first, parsed->second, arguments, counts) : parsed.status();
    if (absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status)) return status;
    // The hash is a secret: it is in no message.
    if (!status.ok()) counts.failed.push_back(absl::StrCat("line ", number, ": ", status.message()));
    progress.Add(1, 0);
  }
  return absl::OkStatus();
}

absl::Status ImportAccounts(Context& context, const Arguments& arguments) {
  ASSIGN_OR_RETURN(const auto stub, Connect<DirectoryAdminService>(context, "directory"));
  Counts counts;
  absl::Status status;
  if (arguments.file == "-") {
    status = ImportLines(stub.get(), std::cin, arguments, counts);
  } else {
    std::ifstream file(arguments.file);
    if (!file) return absl::NotFoundError(absl::StrCat(arguments.file, " cannot be read"));
    status = ImportLines(stub.get(), file, arguments, counts);
  }
  std::cout << FormatRecord({{"created", absl::StrCat(counts.created)},
                             {"updated", absl::StrCat(counts.updated)},
                             {"already_there", absl::StrCat(counts.present)},
                             {"failed", absl::StrCat(counts.failed.size())}},
                            context.output);
  for (const std::string& failed : counts.failed) std::cerr << "mailmesh: " << Printable(failed) << "\n";
  if (!status.ok()) return base::Annotate(status, "stopped; the same command goes on");
  return counts.failed.empty() ? absl::OkStatus() : absl::InvalidArgumentError("some accounts were refused");
}

}  // namespace

void AddAccountImportCommand(CLI::App& account) {
  auto arguments = std::make_shared<Arguments>();
  auto* import = account.add_subcommand(
      "import", "Creates accounts from lines ADDRESS:HASH, with hashes of crypt(5) or Argon2, as Dovecot's passwd-file has them");
  import->add_option("FILE", arguments->file, "The file; - for standard input")->required();
  import->add_option("--domain", arguments->domain, "Domain of addresses that have none");
  import->add_flag("--update", arguments->update, "Sets the password of accounts that are there already");
  SetAction(import, [arguments](Context& context) { return ImportAccounts(context, *arguments); });
}

}  // namespace mailmesh::cli
