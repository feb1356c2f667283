#include <CLI/CLI.hpp>
#include <cstdlib>
#include <iostream>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/telemetry/version.h"
#include "services/mailmesh/cli/actions.h"

namespace mailmesh::cli {
namespace {

// The action of the command that the line named. Parsing ends before anything runs, so that a mistake at the line's end
// stops a command that would change something.
Action& Chosen() {
  static auto* const kChosen = new Action;
  return *kChosen;
}

int Report(const absl::Status& status) {
  if (status.ok()) return kOk;
  std::cerr << "mailmesh: " << Printable(base::Message(status)) << " (" << absl::StatusCodeToString(status.code()) << ")\n";
  return absl::IsUnavailable(status) ? kUnreachable : kFailed;
}

}  // namespace

void SetAction(CLI::App* command, Action action) {
  command->callback([action = std::move(action)] { Chosen() = action; });
}

int RunCommandLine(int argc, char** argv) {
  CLI::App app("Mailmesh: runs a mail mesh on this machine, and operates one anywhere.", "mailmesh");
  app.require_subcommand(1);
  app.set_version_flag("--version", std::string(telemetry::Version()));
  app.fallthrough();
  Context context;
  app.add_option("--dir", context.dir, "Folder of a mesh started by `mailmesh up`")->envname("MAILMESH_DIR");
  app.add_option("--mesh", context.config_file, "YAML file with the roles' gRPC addresses (role: address) and `tls`")
      ->envname("MAILMESH_CONFIG")
      ->check(CLI::ExistingFile);
  app.add_option("-o,--output", context.output, "Output as table or json")
      ->transform(CLI::CheckedTransformer(
          std::map<std::string, OutputFormat>{{"table", OutputFormat::kTable}, {"json", OutputFormat::kJson}}));
  app.footer("Exit codes: 0 done, 1 refused or failed, 2 wrong command line, 69 the mesh cannot be reached.");

  AddUpCommand(app);
  AddStatusCommand(app);
  AddDomainCommands(app);
  AddRouteCommands(app);
  AddAccountCommands(app);
  AddAliasCommands(app);
  AddAuthCommands(app);
  AddMailboxCommands(app);
  AddMessageCommands(app);
  AddImportCommand(app);
  AddExportCommand(app);
  AddQueueCommands(app);
  AddFetchCommands(app);
  AddSecretsCommands(app);
  AddSendCommand(app);
  AddStoreCommands(app);
  AddBackupCommands(app);
  AddScaleCommands(app);
  AddSessionCommands(app);
  AddLogCommands(app);
  AddTraceCommand(app);
  AddConfigCommands(app);
  AddUpgradeCommands(app);
  AddPkiCommands(app);
  AddWaitCommand(app);
  AddDocsCommand(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kOk : kUsage;
  }
  return Report(Chosen()(context));
}

}  // namespace mailmesh::cli
