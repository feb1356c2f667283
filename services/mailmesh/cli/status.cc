#include <CLI/CLI.hpp>
#include <iostream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "common/base/status.h"
#include "mailmesh/control/v1/control_service.grpc.pb.h"
#include "services/mailmesh/cli/actions.h"

namespace mailmesh::cli {
namespace {

using control::v1::ControlService;

// Asks every role; one that does not answer makes the mesh unhealthy, and is listed all the same.
absl::Status ShowStatus(Context& context) {
  ASSIGN_OR_RETURN(const auto endpoints, context.GrpcEndpoints());
  Table table({"role", "state", "version", "process", "up_since", "sessions", "problems"});
  std::vector<std::string> unhealthy;
  for (const auto& [instance, address] : endpoints) {
    ASSIGN_OR_RETURN(const auto stub, Connect<ControlService>(context, instance));
    control::v1::GetInfoResponse info;
    const auto call = NewCall(5);
    const grpc::Status status = stub->GetInfo(call.get(), control::v1::GetInfoRequest(), &info);
    if (!status.ok()) {
      unhealthy.push_back(instance);
      table.AddRow({instance, "away", "-", "-", "-", "-", status.error_message()});
      continue;
    }
    if (!info.ready()) unhealthy.push_back(instance);
    table.AddRow({instance, info.draining() ? "draining" : info.ready() ? "serving" : "not ready", info.version(),
                  absl::StrCat(info.process_id()), FormatTime(info.start_seconds()), absl::StrCat(info.sessions()),
                  absl::StrJoin(info.problems(), "; ")});
  }
  std::cout << table.Format(context.output);
  if (unhealthy.empty()) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat("not serving: ", absl::StrJoin(unhealthy, ", ")));
}

}  // namespace

void AddStatusCommand(CLI::App& app) {
  SetAction(app.add_subcommand("status", "Health and version of every role"), ShowStatus);
}

}  // namespace mailmesh::cli
