// The commands of `mailmesh`, one function per noun: each adds its subcommands to the line's grammar.
#ifndef MAILMESH_SERVICES_MAILMESH_CLI_ACTIONS_H_
#define MAILMESH_SERVICES_MAILMESH_CLI_ACTIONS_H_

#include "services/mailmesh/cli/context.h"

namespace mailmesh::cli {

void AddUpCommand(CLI::App& app);
void AddStatusCommand(CLI::App& app);
void AddDomainCommands(CLI::App& app);
void AddRouteCommands(CLI::App& app);
void AddAccountCommands(CLI::App& app);
// Below `account`.
void AddAccountEnsureCommand(CLI::App& account);
void AddAccountImportCommand(CLI::App& account);
void AddAccountQuotaCommand(CLI::App& account);
void AddAliasCommands(CLI::App& app);
void AddMailboxCommands(CLI::App& app);
void AddQueueCommands(CLI::App& app);
void AddFetchCommands(CLI::App& app);
void AddSecretsCommands(CLI::App& app);
void AddSendCommand(CLI::App& app);
void AddPkiCommands(CLI::App& app);
void AddAuthCommands(CLI::App& app);
void AddSessionCommands(CLI::App& app);
void AddMessageCommands(CLI::App& app);
void AddDocsCommand(CLI::App& app);
void AddImportCommand(CLI::App& app);
void AddExportCommand(CLI::App& app);
void AddLogCommands(CLI::App& app);
void AddStoreCommands(CLI::App& app);
void AddBackupCommands(CLI::App& app);
void AddScaleCommands(CLI::App& app);
void AddTraceCommand(CLI::App& app);
void AddConfigCommands(CLI::App& app);
void AddWaitCommand(CLI::App& app);
void AddUpgradeCommands(CLI::App& app);

// Parses the line and runs what it asks for. Returns the exit code.
int RunCommandLine(int argc, char** argv);

}  // namespace mailmesh::cli

#endif  // MAILMESH_SERVICES_MAILMESH_CLI_ACTIONS_H_
