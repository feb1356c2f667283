// `mailmesh backup` and `mailmesh restore`: copies of the mailbox stores, made while they serve.
#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>
#include <map>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "mailmesh/mailbox/v1/store_admin_service.grpc.pb.h"
#include "services/mailmesh/cli/actions.h"
#include "services/mailmesh/cli/backups_to_delete.h"
#include "services/mailmesh/cli/progress.h"
#include "services/mailmesh/up/layout.h"
#include "services/mailmesh/up/program.h"
#include "services/mailmesh/up/roles.h"

namespace mailmesh::cli {
namespace {

using mailbox::v1::StoreAdminService;
using Stub = StoreAdminService::Stub;

constexpr int kBackupSeconds = 24 * 3600;

struct Arguments {
  std::string name;
  std::string shard;
  int keep = 0;
};

absl::StatusOr<std::vector<std::string>> Shards(Context& context, const Arguments& arguments) {
  if (!arguments.shard.empty()) return std::vector<std::string>{arguments.shard};
  return context.ShardNames();
}

absl::StatusOr<std::unique_ptr<Stub>> ConnectToShard(Context& context, const std::string& shard) {
  ASSIGN_OR_RETURN(const auto channel, context.ChannelToShard(shard));
  return StoreAdminService::NewStub(channel);
}

// The name that it was given.
absl::StatusOr<std::string> CreateOfShard(Context& context, const std::string& shard, const std::string& name, Table& table) {
  ASSIGN_OR_RETURN(const auto stub, ConnectToShard(context, shard));
  mailbox::v1::CreateBackupRequest request;
  request.set_name(name);
  const auto call = NewCall(kBackupSeconds);
  const auto stream = stub->CreateBackup(call.get(), request);
  Progress progress("backing up");
  progress.Begin(absl::StrCat("shard ", shard), 0);
  mailbox::v1::CreateBackupResponse response;
  uint64_t done = 0;
  while (stream->Read(&response)) {
    progress.Add(0, response.done_bytes() - done);
    done = response.done_bytes();
  }
  RETURN_IF_ERROR(base::Annotate(FromGrpc(stream->Finish()), absl::StrCat("shard ", shard)));
  if (!response.done()) return absl::InternalError(absl::StrCat("shard ", shard, " ended without saying that it is done"));
  table.AddRow({shard, response.name(), absl::StrCat(done), response.path()});
  return response.name();
}

absl::Status DeleteOlder(Context& context, const std::string& shard, const std::string& made, int keep) {
  ASSIGN_OR_RETURN(const auto stub, ConnectToShard(context, shard));
  ASSIGN_OR_RETURN(const auto list, Call(stub.get(), &Stub::ListBackups, mailbox::v1::ListBackupsRequest()));
  for (const std::string& name : BackupsToDelete(list, made, keep)) {
    mailbox::v1::DeleteBackupRequest request;
    request.set_name(name);
    RETURN_IF_ERROR(base::Annotate(Call(stub.get(), &Stub::DeleteBackup, request).status(), absl::StrCat("shard ", shard)));
  }
  return absl::OkStatus();
}

absl::Status CreateBackup(Context& context, const Arguments& arguments) {
  ASSIGN_OR_RETURN(const auto shards, Shards(context, arguments));
  Table table({"shard", "name", "octets", "path"});
  absl::Status status;
  std::map<std::string, std::string> made;  // by shard
  for (const std::string& shard : shards) {
    absl::StatusOr<std::string> name = CreateOfShard(context, shard, arguments.name, table);
    status = name.status();
    if (!status.ok()) break;
    made[shard] = *std::move(name);
  }
  std::cout << table.Format(context.output);
  RETURN_IF_ERROR(status);
  if (arguments.keep == 0) return absl::OkStatus();
  for (const auto& [shard, name] : made) RETURN_IF_ERROR(DeleteOlder(context, shard, name, arguments.keep));
  return absl::OkStatus();
}

absl::Status ListBackups(Context& context, const Arguments& arguments) {
  ASSIGN_OR_RETURN(const auto shards, Shards(context, arguments));
  Table table({"shard", "name", "made", "octets", "path"});
  for (const std::string& shard : shards) {
    ASSIGN_OR_RETURN(const auto stub, ConnectToShard(context, shard));
    ASSIGN_OR_RETURN(const auto list, Call(stub.get(), &Stub::ListBackups, mailbox::v1::ListBackupsRequest()));
    for (const auto& backup : list.backups()) {
      table.AddRow({shard, backup.name(), FormatTime(backup.create_time().seconds()), absl::StrCat(backup.size_bytes()), backup.path()});
    }
  }
  std::cout << table.Format(context.output);
  return absl::OkStatus();
}

absl::Status DeleteBackup(Context& context, const Arguments& arguments) {
  ASSIGN_OR_RETURN(const auto shards, Shards(context, arguments));
  bool any = false;
  for (const std::string& shard : shards) {
    ASSIGN_OR_RETURN(const auto stub, ConnectToShard(context, shard));
    mailbox::v1::DeleteBackupRequest request;
    request.set_name(arguments.name);
    const absl::Status status = Call(stub.get(), &Stub::DeleteBackup, request).status();
    if (absl::IsNotFound(status)) continue;
    RETURN_IF_ERROR(base::Annotate(status, absl::StrCat("shard ", shard)));
    any = true;
  }
  return any ? absl::OkStatus() : absl::NotFoundError(absl::StrCat("no backup ", arguments.name));
}

// The mesh must be stopped: its lock is held meanwhile. The store's own program does the work, for it knows its files.
absl::Status Restore(Context& context, const Arguments& arguments) {
  if (context.dir.empty()) return absl::InvalidArgumentError("--dir DIR is needed (or MAILMESH_DIR)");
  int replica = 0;
  if (!arguments.shard.empty() && (!absl::SimpleAtoi(arguments.shard, &replica) || replica < 0 || replica >= up::kMaxReplicas)) {
    return absl::InvalidArgumentError(absl::StrCat("--shard: ", arguments.shard, " is no shard of a mesh on one machine"));
  }
  ASSIGN_OR_RETURN(const up::Layout layout, up::PrepareLayout(context.dir));
  const std::string instance = up::InstanceName("mailbox_store", replica);
  const std::string store = absl::StrCat(layout.data(), "/", instance);
  std::string backup = arguments.name;
  if (backup.find('/') == std::string::npos) backup = absl::StrCat(layout.backup(), "/", instance, "/", backup);
  if (!std::filesystem::is_directory(backup)) return absl::NotFoundError(absl::StrCat("no backup ", backup));
  ASSIGN_OR_RETURN(const up::ProgramResult result,
                   up::RunProgram(up::RoleProgram("mailbox_store"), {"--restore", backup, store}));
  const std::string said(absl::StripAsciiWhitespace(result.output));
  if (result.exit_code != 0) return absl::AbortedError(said);
  std::cout << FormatRecord({{"restored", backup}, {"store", store}, {"said", said}}, context.output);
  return absl::OkStatus();
}

}  // namespace

void AddBackupCommands(CLI::App& app) {
  auto arguments = std::make_shared<Arguments>();
  const auto add_shard = [&](CLI::App* command, const char* help) { command->add_option("--shard", arguments->shard, help); };
  auto* backup = app.add_subcommand("backup", "Backups of the mailbox stores, made while they serve")->require_subcommand(1);
  auto* create = backup->add_subcommand("create", "Makes a backup of all that is durable now");
  create->add_option("NAME", arguments->name, "Its name; the time if not given");
  add_shard(create, "Only of this shard");
  create->add_option("--keep", arguments->keep, "Then delete all but the last so many of each shard; 0, the default: none")
      ->check(CLI::Range(0, 100000));
  SetAction(create, [arguments](Context& context) { return CreateBackup(context, *arguments); });
  auto* list = backup->add_subcommand("list", "Lists the backups, the last one made first");
  add_shard(list, "Only of this shard");
  SetAction(list, [arguments](Context& context) { return ListBackups(context, *arguments); });
  auto* remove = backup->add_subcommand("delete", "Deletes a backup");
  remove->add_option("NAME", arguments->name, "The backup")->required();
  add_shard(remove, "Only of this shard");
  SetAction(remove, [arguments](Context& context) { return DeleteBackup(context, *arguments); });

  auto* restore = app.add_subcommand(
      "restore", "Puts a backup in the place of a store of a mesh on this machine, which must be stopped; what was there is kept");
  restore->add_option("BACKUP", arguments->name, "A name as in `backup list`, or a folder")->required();
  add_shard(restore, "The shard; 0 if not given");
  SetAction(restore, [arguments](Context& context) { return Restore(context, *arguments); });
}

}  // namespace mailmesh::cli
