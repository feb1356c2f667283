#include "common/service/flags.h"

#include <CLI/CLI.hpp>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/telemetry/version.h"

namespace mailmesh::service {

std::optional<Flags> ParseFlags(std::string_view role, int argc, char** argv, int& exit_code) {
  Flags flags;
  CLI::App app(absl::StrCat("Mailmesh, role ", base::Av(role)));
  app.set_version_flag("--version", absl::StrCat("mailmesh ", base::Av(role), " ", base::Av(telemetry::Version()), " (",
                                                 base::Av(telemetry::Commit()), ")"));
  app.add_option("--config", flags.config, "Configuration file (YAML)")->required()->type_name("FILE");
  app.add_flag("--check-config", flags.check_config, "Say what is wrong with the configuration, and end");
  app.add_flag("--print-config", flags.print_config, "Print the configuration with all defaults, and end");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    exit_code = app.exit(e) == 0 ? 0 : 2;
    return std::nullopt;
  }
  return flags;
}

}  // namespace mailmesh::service
