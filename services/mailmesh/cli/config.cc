// `mailmesh config`: what the roles run with, and whether a file is good before it is used.
#include <CLI/CLI.hpp>
#include <cstdlib>
#include <filesystem>
#include <iostream>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "common/base/status.h"
#include "mailmesh/control/v1/control_service.grpc.pb.h"
#include "services/mailmesh/cli/actions.h"
#include "services/mailmesh/up/program.h"
#include "services/mailmesh/up/role_config.h"
#include "services/mailmesh/up/roles.h"

namespace mailmesh::cli {
namespace {

using control::v1::ControlService;

// The role itself tells: only it knows what it was started with and what its defaults are.
absl::Status ShowConfig(Context& context, const std::string& role) {
  ASSIGN_OR_RETURN(const auto instances, context.Instances(role));
  Table table({"role", "config"});
  std::string text;
  for (const std::string& instance : instances) {
    ASSIGN_OR_RETURN(const auto stub, Connect<ControlService>(context, instance));
    const auto config = Call<ControlService::Stub>(stub.get(), &ControlService::Stub::GetConfig, control::v1::GetConfigRequest());
    RETURN_IF_ERROR(base::Annotate(config.status(), instance));
    absl::StrAppend(&text, text.empty() ? "" : "\n", "# ", instance, "\n", config->yaml());
    table.AddRow({instance, config->yaml()});
  }
  std::cout << (context.output == OutputFormat::kJson ? table.Format(context.output) : text);
  return absl::OkStatus();
}

// One row for each problem that the role's program finds in the file. True if there is none.
absl::StatusOr<bool> CheckRoleFile(const std::string& instance, const std::string& role, const std::string& file, Table& table) {
  ASSIGN_OR_RETURN(const up::ProgramResult result, up::RunProgram(up::RoleProgram(role), {"--check-config", "--config", file}));
  if (result.exit_code == 0) {
    table.AddRow({instance, "good", ""});
    return true;
  }
  for (const auto line : absl::StrSplit(absl::StripAsciiWhitespace(result.output), '\n')) {
    table.AddRow({instance, "wrong", std::string(line)});
  }
  return false;
}

// A file as `mailmesh up --config` takes it: each role's configuration is made from it as `up` would, in a folder for that.
absl::StatusOr<bool> CheckUpFile(const std::string& file, Table& table) {
  up::UpOptions options;
  options.port_base = 10000;  // any: no port is opened
  RETURN_IF_ERROR(up::ReadUpConfig(file, options));
  std::string folder = std::filesystem::temp_directory_path() / "mailmesh-check-XXXXXX";
  if (mkdtemp(folder.data()) == nullptr) return base::ErrnoStatus(errno, folder);
  const absl::Cleanup remove = [&folder] {
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
  };
  up::Layout layout;
  layout.dir = layout.run = folder;
  std::error_code error;
  std::filesystem::create_directory(layout.config(), error);
  ASSIGN_OR_RETURN(const up::AddressMap addresses, up::ChooseAddresses(layout, options));
  bool good = true;
  for (const up::Role& role : up::Roles()) {
    ASSIGN_OR_RETURN(const std::string role_file, up::WriteRoleConfig(layout, options, addresses, role.name, 0));
    ASSIGN_OR_RETURN(const bool role_good, CheckRoleFile(role.name, role.name, role_file, table));
    good = good && role_good;
  }
  return good;
}

// The files that a mesh on this machine was started with.
absl::StatusOr<bool> CheckFolder(const std::string& dir, Table& table) {
  if (dir.empty()) return absl::InvalidArgumentError("name a FILE, or the mesh's folder with --dir (or MAILMESH_DIR)");
  bool good = true, any = false;
  for (const up::Role& role : up::Roles()) {
    for (int replica = 0; replica < up::kMaxReplicas; ++replica) {
      const std::string instance = up::InstanceName(role.name, replica);
      const std::string file = absl::StrCat(dir, "/config/", instance, ".yaml");
      if (!std::filesystem::exists(file)) continue;
      ASSIGN_OR_RETURN(const bool file_good, CheckRoleFile(instance, role.name, file, table));
      good = good && file_good;
      any = true;
    }
  }
  if (!any) return absl::NotFoundError(absl::StrCat("no configuration in ", dir, "/config"));
  return good;
}

absl::Status CheckConfig(Context& context, const std::string& file, const std::string& role) {
  Table table({"role", "result", "problem"});
  absl::StatusOr<bool> good;
  if (!role.empty()) {
    if (file.empty()) return absl::InvalidArgumentError("--role needs a FILE");
    good = CheckRoleFile(role, role, file, table);
  } else {
    good = file.empty() ? CheckFolder(context.dir, table) : CheckUpFile(file, table);
  }
  RETURN_IF_ERROR(good.status());
  std::cout << table.Format(context.output);
  return *good ? absl::OkStatus() : absl::InvalidArgumentError("the configuration has mistakes");
}

}  // namespace

void AddConfigCommands(CLI::App& app) {
  auto* config = app.add_subcommand("config", "Configuration of the roles")->require_subcommand(1);
  auto role = std::make_shared<std::string>();
  auto file = std::make_shared<std::string>();
  auto* show = config->add_subcommand("show", "Shows what roles run with, defaults included, without secrets");
  show->add_option("ROLE", *role, "A role, or an instance of one (imap_gateway.1); all if not given");
  SetAction(show, [role](Context& context) { return ShowConfig(context, *role); });
  auto* check = config->add_subcommand("check", "Looks for mistakes in configuration files; changes nothing");
  check->add_option("FILE", *file, "As for `mailmesh up --config`; if not given, the files of the mesh given by --dir")
      ->check(CLI::ExistingFile);
  std::vector<std::string> roles;
  for (const up::Role& each : up::Roles()) roles.push_back(each.name);
  check->add_option("--role", *role, "FILE is the configuration of this role itself")->check(CLI::IsMember(roles));
  SetAction(check, [role, file](Context& context) { return CheckConfig(context, *file, *role); });
}

}  // namespace mailmesh::cli
