#include <CLI/CLI.hpp>

#include "common/base/status.h"
#include "services/mailmesh/cli/actions.h"
#include "services/mailmesh/up/supervisor.h"

namespace mailmesh::cli {

void AddUpCommand(CLI::App& app) {
  struct Arguments {
    up::UpOptions options;
    std::string config_file;
    std::string grpc;
  };
  auto arguments = std::make_shared<Arguments>();
  auto* command = app.add_subcommand("up", "Runs a whole mesh on this machine, in the folder given by --dir");
  command->add_option("--port-base", arguments->options.port_base,
                      "Ports are this plus the well-known one (25, 24 LMTP, 587, 465, 110, 995, 143, 993), admin ports 9101 "
                      "and up, gRPC ports (with --grpc tcp) 7101 and up; 0: the system chooses")
      ->check(CLI::Range(0, 56000));
  command->add_option("--config", arguments->config_file, "YAML: hostname, grpc, replicas, log, and settings by role")
      ->check(CLI::ExistingFile);
  command->add_option("--grpc", arguments->grpc, "Roles talk over unix sockets (the default), or tcp with mutual TLS")
      ->check(CLI::IsMember({"unix", "tcp"}));
  SetAction(command, [arguments](Context& context) -> absl::Status {
    if (context.dir.empty()) return absl::InvalidArgumentError("--dir DIR is needed (or MAILMESH_DIR)");
    arguments->options.dir = context.dir;
    if (!arguments->config_file.empty()) {
      RETURN_IF_ERROR(up::ReadUpConfig(arguments->config_file, arguments->options));
    }
    if (!arguments->grpc.empty()) arguments->options.grpc_tcp = arguments->grpc == "tcp";
    return up::RunMesh(arguments->options);
  });
}

}  // namespace mailmesh::cli
