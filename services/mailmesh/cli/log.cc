// `mailmesh log`: what the roles log.
#include <CLI/CLI.hpp>
#include <iostream>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "mailmesh/control/v1/control_service.grpc.pb.h"
#include "services/mailmesh/cli/actions.h"

namespace mailmesh::cli {
namespace {

using control::v1::ControlService;
using control::v1::LogLevel;
using Stub = ControlService::Stub;

const std::map<std::string, LogLevel>& Levels() {
  static const auto* const kLevels = new std::map<std::string, LogLevel>{{"debug", control::v1::LOG_LEVEL_DEBUG},
                                                                         {"info", control::v1::LOG_LEVEL_INFO},
                                                                         {"warning", control::v1::LOG_LEVEL_WARNING},
                                                                         {"error", control::v1::LOG_LEVEL_ERROR}};
  return *kLevels;
}

std::string NameOf(LogLevel level) {
  for (const auto& [name, value] : Levels()) {
    if (value == level) return name;
  }
  return "off";
}

// Sets the level where one is given, and shows what it is then.
absl::Status LevelCommand(Context& context, const std::string& role, LogLevel level) {
  ASSIGN_OR_RETURN(const auto instances, context.Instances(role == "all" ? "" : role));
  Table table({"role", "level"});
  for (const std::string& instance : instances) {
    ASSIGN_OR_RETURN(const auto stub, Connect<ControlService>(context, instance));
    if (level != control::v1::LOG_LEVEL_UNSPECIFIED) {
      control::v1::SetLogLevelRequest request;
      request.set_level(level);
      RETURN_IF_ERROR(base::Annotate(Call<Stub>(stub.get(), &Stub::SetLogLevel, request).status(), instance));
    }
    const auto info = Call<Stub>(stub.get(), &Stub::GetInfo, control::v1::GetInfoRequest());
    RETURN_IF_ERROR(base::Annotate(info.status(), instance));
    table.AddRow({instance, NameOf(info->log_level())});
  }
  std::cout << table.Format(context.output);
  return absl::OkStatus();
}

}  // namespace

void AddLogCommands(CLI::App& app) {
  auto* log = app.add_subcommand("log", "What the roles log")->require_subcommand(1);
  auto role = std::make_shared<std::string>();
  auto level = std::make_shared<LogLevel>(control::v1::LOG_LEVEL_UNSPECIFIED);
  auto* command = log->add_subcommand("level", "Shows how much the roles log, or changes it until they restart");
  command->add_option("ROLE", *role, "A role, or an instance of one (imap_gateway.1); all");
  command->add_option("LEVEL", *level, "debug (protocol transcripts), info, warning or error")
      ->transform(CLI::CheckedTransformer(Levels()));
  SetAction(command, [role, level](Context& context) { return LevelCommand(context, *role, *level); });
}

}  // namespace mailmesh::cli
