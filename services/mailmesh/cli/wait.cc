// `mailmesh wait`: keeps a container alive in which operators run the tool (kubectl exec); its image has no shell, and no sleep(1).
#include <signal.h>

#include <CLI/CLI.hpp>

#include "services/mailmesh/cli/actions.h"

namespace mailmesh::cli {

void AddWaitCommand(CLI::App& app) {
  auto* wait = app.add_subcommand("wait", "Does nothing until SIGTERM or SIGINT: for a container in which the tool is run");
  SetAction(wait, [](Context&) {
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    // The first process of a container gets no signal that it does not ask for.
    sigprocmask(SIG_BLOCK, &ends, nullptr);
    int got = 0;
    sigwait(&ends, &got);
    return absl::OkStatus();
  });
}

}  // namespace mailmesh::cli
