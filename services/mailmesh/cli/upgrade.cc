// `mailmesh upgrade`: which versions run, and the end of an upgrade, after which there is no way back.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <optional>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/base/status.h"
#include "common/telemetry/version.h"
#include "mailmesh/control/v1/control_service.grpc.pb.h"
#include "services/mailmesh/cli/actions.h"
#include "services/mailmesh/cli/processes.h"

namespace mailmesh::cli {
namespace {

using control::v1::ControlService;
using control::v1::DatabaseSchema;
using control::v1::GetInfoResponse;

// What a process is to this tool, whose version is the one that the mesh is upgraded to.
enum class Standing { kCurrent, kOlder, kNewer, kAway };

struct Answer {
  Process process;
  Standing standing = Standing::kAway;
  GetInfoResponse info;
  std::string error;
};

// "0.10.2" -> {0, 10, 2}.
std::vector<int> Parts(std::string_view version) {
  std::vector<int> parts;
  for (const absl::string_view part : absl::StrSplit(absl::string_view(version.data(), version.size()), '.')) {
    int number = 0;
    if (!absl::SimpleAtoi(part, &number)) return {};
    parts.push_back(number);
  }
  return parts;
}

Standing StandingOf(std::string_view version) {
  const std::vector<int> its = Parts(version);
  const std::vector<int> ours = Parts(telemetry::Version());
  return its < ours ? Standing::kOlder : ours < its ? Standing::kNewer : Standing::kCurrent;
}

std::string_view NameOf(Standing standing) {
  switch (standing) {
    case Standing::kCurrent:
      return "current";
    case Standing::kOlder:
      return "older";
    case Standing::kNewer:
      return "newer";
    case Standing::kAway:
      return "away";
  }
  return "";
}

absl::StatusOr<std::unique_ptr<ControlService::Stub>> ConnectTo(Context& context, const Process& process) {
  ASSIGN_OR_RETURN(const auto channel, context.ChannelToEndpoint(process.role, process.endpoint));
  return ControlService::NewStub(channel);
}

absl::StatusOr<std::vector<Answer>> AskAll(Context& context) {
  ASSIGN_OR_RETURN(const Processes processes, FindProcesses(context));
  std::vector<Answer> answers;
  for (const Process& process : processes.all) {
    Answer& answer = answers.emplace_back();
    answer.process = process;
    const auto stub = ConnectTo(context, process);
    if (!stub.ok()) {
      answer.error = base::Message(stub.status());
      continue;
    }
    const auto call = NewCall(5);
    const grpc::Status status = (*stub)->GetInfo(call.get(), control::v1::GetInfoRequest(), &answer.info);
    answer.error = status.error_message();
    if (status.ok()) answer.standing = StandingOf(answer.info.version());
  }
  // Shards that nobody told of were not asked.
  if (!processes.map.ok()) {
    Answer& answer = answers.emplace_back();
    answer.process = {"shards", "mailbox_store", "the directory's map"};
    answer.error = base::Message(processes.map);
  }
  return answers;
}

bool Waits(const DatabaseSchema& schema) { return schema.version() < schema.newest(); }

std::string Number(const GetInfoResponse& info, uint64_t (*get)(const DatabaseSchema&)) {
  return info.has_schema() ? absl::StrCat(get(info.schema())) : "-";
}

Table Show(const std::vector<Answer>& answers) {
  Table table({"process", "endpoint", "standing", "version", "commit", "schema", "newest", "step_left"});
  for (const Answer& answer : answers) {
    const bool away = answer.standing == Standing::kAway;
    table.AddRow({answer.process.instance, answer.process.endpoint, std::string(NameOf(answer.standing)),
                  away ? "-" : answer.info.version(), answer.info.commit().empty() ? "-" : answer.info.commit(),
                  Number(answer.info, [](const DatabaseSchema& schema) { return uint64_t{schema.version()}; }),
                  Number(answer.info, [](const DatabaseSchema& schema) { return uint64_t{schema.newest()}; }),
                  Number(answer.info, [](const DatabaseSchema& schema) { return schema.step_left(); })});
  }
  return table;
}

std::string Names(const std::vector<Answer>& answers, Standing standing, const std::vector<std::string>& without = {}) {
  std::vector<std::string> names;
  for (const Answer& answer : answers) {
    const Process& process = answer.process;
    if (answer.standing != standing) continue;
    if (std::find(without.begin(), without.end(), process.instance) != without.end() ||
        std::find(without.begin(), without.end(), process.endpoint) != without.end()) {
      continue;
    }
    names.push_back(absl::StrCat(process.instance, " at ", process.endpoint,
                                 standing == Standing::kAway ? absl::StrCat(" (", answer.error, ")")
                                                             : absl::StrCat(" (", answer.info.version(), ")")));
  }
  return absl::StrJoin(names, ", ");
}

// Why the upgrade cannot be finalized; OK if it can.
absl::Status Ready(const std::vector<Answer>& answers, const std::vector<std::string>& gone) {
  if (const std::string newer = Names(answers, Standing::kNewer); !newer.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat("this tool is of version ", base::Av(telemetry::Version()), "; use that of the newest: ", newer));
  }
  if (const std::string older = Names(answers, Standing::kOlder); !older.empty()) {
    return absl::FailedPreconditionError(absl::StrCat("of an older version than ", base::Av(telemetry::Version()), ": ", older));
  }
  if (const std::string away = Names(answers, Standing::kAway, gone); !away.empty()) {
    return absl::UnavailableError(
        absl::StrCat("of unknown version, for they do not answer (--gone NAME for one that will not come back): ", away));
  }
  return absl::OkStatus();
}

// What nobody can see from here is the operator's to know.
std::string Unseen(const std::vector<Answer>& answers, const Context& context) {
  return absl::StrCat(answers.size(), " processes were asked: those that ",
                      context.config_file.empty() ? context.dir : context.config_file,
                      " names, with every replica behind a name, and the shards of the directory's map. A process that "
                      "neither names, and one that is started later from an old program, is not seen.");
}

absl::Status ShowStatus(Context& context) {
  ASSIGN_OR_RETURN(const std::vector<Answer> answers, AskAll(context));
  const absl::Status ready = Ready(answers, {});
  bool waits = false;
  bool steps = false;
  for (const Answer& answer : answers) {
    waits = waits || Waits(answer.info.schema());
    steps = steps || answer.info.schema().step_left() > 0;
  }
  const std::string finalize = !ready.ok()  ? absl::StrCat("not yet: ", base::Av(base::Message(ready)))
                               : waits      ? "ready: `mailmesh upgrade finalize`; until then everything can be undone"
                               : steps      ? "done; the step goes on behind what serves"
                                            : "done";
  const std::string summary = FormatRecord({{"finalize", finalize}, {"seen", Unseen(answers, context)}}, context.output);
  if (context.output == OutputFormat::kJson) {
    std::cout << "{\"processes\": " << Show(answers).Format(context.output) << ", \"summary\": " << summary << "}\n";
  } else {
    std::cout << Show(answers).Format(context.output) << "\n" << summary;
  }
  return absl::OkStatus();
}

absl::Status Finalize(Context& context, const std::vector<std::string>& gone) {
  ASSIGN_OR_RETURN(std::vector<Answer> answers, AskAll(context));
  RETURN_IF_ERROR(Ready(answers, gone));
  for (Answer& answer : answers) {
    if (answer.standing == Standing::kAway || !Waits(answer.info.schema())) continue;
    ASSIGN_OR_RETURN(const auto stub, ConnectTo(context, answer.process));
    absl::StatusOr<control::v1::FinalizeUpgradeResponse> done =
        Call(stub.get(), &ControlService::Stub::FinalizeUpgrade, control::v1::FinalizeUpgradeRequest());
    RETURN_IF_ERROR(base::Annotate(done.status(), absl::StrCat(answer.process.instance, " at ", answer.process.endpoint)));
    *answer.info.mutable_schema() = std::move(*done->mutable_schema());
  }
  std::cout << Show(answers).Format(context.output);
  std::cerr << Unseen(answers, context) << std::endl;
  return absl::OkStatus();
}

}  // namespace

void AddUpgradeCommands(CLI::App& app) {
  auto* upgrade = app.add_subcommand("upgrade", "From one version to the next")->require_subcommand(1);
  auto* status = upgrade->add_subcommand(
      "status", "Version of every process, schema of every database, and whether the upgrade can be finalized");
  SetAction(status, ShowStatus);
  auto gone = std::make_shared<std::vector<std::string>>();
  auto* finalize = upgrade->add_subcommand(
      "finalize",
      "Brings the databases to the newest schema; older programs refuse them from then on. Refused while an older one runs");
  finalize->add_option("--gone", *gone, "A process that does not answer and will not come back: its endpoint, as `upgrade status` prints it, or its name "
                       "where that is no number among the replicas behind a DNS name: those change as replicas come and go");
  SetAction(finalize, [gone](Context& context) { return Finalize(context, *gone); });
}

}  // namespace mailmesh::cli
