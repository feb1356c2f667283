// `mailmesh docs`: writes man pages and completion, for the build to install. Not shown in the help.
#include <CLI/CLI.hpp>
#include <cstdlib>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/base/file.h"
#include "common/base/status.h"
#include "common/telemetry/version.h"
#include "services/mailmesh/cli/actions.h"
#include "services/mailmesh/cli/command_doc.h"

namespace mailmesh::cli {
namespace {

absl::Status WriteBelow(const std::string& folder, const std::string& name, const std::string& text) {
  RETURN_IF_ERROR(base::MakeDirectories(folder, 0755));
  return base::WriteFileAtomically(absl::StrCat(folder, "/", name), text, 0644);
}

// The pages' date: that of the build, or the one that reproducible-builds.org has packagers set.
std::string Today() {
  const char* set = std::getenv("SOURCE_DATE_EPOCH");
  int64_t seconds = 0;
  const bool valid = set != nullptr && absl::SimpleAtoi(set, &seconds);
  return absl::FormatTime("%Y-%m-%d", valid ? absl::FromUnixSeconds(seconds) : absl::Now(), absl::UTCTimeZone());
}

// The places below `share` where man and the shells look.
absl::Status WriteDocs(const CLI::App& app, const std::string& share) {
  const CommandDoc root = DescribeCommands(app);
  const ManEdition edition{std::string(telemetry::Version()), Today()};
  for (const auto& [name, text] : ManPages(root, edition)) {
    RETURN_IF_ERROR(WriteBelow(share + "/man/man1", name, text));
  }
  RETURN_IF_ERROR(WriteBelow(share + "/bash-completion/completions", "mailmesh", BashCompletion(root)));
  RETURN_IF_ERROR(WriteBelow(share + "/zsh/site-functions", "_mailmesh", ZshCompletion(root)));
  return WriteBelow(share + "/fish/vendor_completions.d", "mailmesh.fish", FishCompletion(root));
}

}  // namespace

void AddDocsCommand(CLI::App& app) {
  auto folder = std::make_shared<std::string>();
  auto* docs = app.add_subcommand("docs", "Writes man pages and shell completion")->group("");
  docs->add_option("FOLDER", *folder, "Where to: what stands for /usr/share")->required();
  SetAction(docs, [folder, &app](Context&) { return WriteDocs(app, *folder); });
}

}  // namespace mailmesh::cli
