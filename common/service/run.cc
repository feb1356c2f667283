#include "common/service/run.h"

#include <cstdio>
#include <cstdlib>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/base/status.h"
#include "common/config/print.h"
#include "common/rpc/channel.h"
#include "common/service/flags.h"
#include "common/service/runtime_impl.h"
#include "common/service/signals.h"
#include "common/telemetry/log.h"
#include "common/telemetry/version.h"
#include "google/protobuf/message.h"

// Read by jemalloc, where it is linked (docs/adr/0062-jemalloc.md): memory that a burst has left is given back also while nothing
// is allocated any more.
extern "C" const char* malloc_conf;
const char* malloc_conf = "background_thread:true";

namespace mailmesh::service {
namespace {

using google::protobuf::Message;

constexpr int kFailed = 1;
constexpr int kUsage = 2;
// What calls may still take once sessions are through, where the window has been used up.
constexpr absl::Duration kGrpcGrace = absl::Seconds(2);

// What no rule of a single field says, of the part that all roles have.
std::vector<config::Problem> CheckCommon(const config::v1::CommonConfig& common) {
  std::vector<config::Problem> problems;
  if (!telemetry::ParseLevel(common.log().level())) {
    problems.push_back({0, 0, "common.log.level", "must be debug, info, warning, error or off"});
  }
  const std::string& listen = common.grpc().listen();
  if (!listen.empty() && !listen.starts_with("unix:") && !common.grpc().has_tls()) {
    problems.push_back({0, 0, "common.grpc.tls", "is required where common.grpc.listen is host:port"});
  }
  for (const auto& [name, peer] : common.peers()) {
    const absl::StatusOr<bool> needs_tls = rpc::NeedsTls(peer.endpoint());
    if (!needs_tls.ok()) {
      problems.push_back({0, 0, absl::StrCat("common.peers.", name, ".endpoint"), std::string(base::Message(needs_tls.status()))});
    } else if (*needs_tls && !common.grpc().has_tls()) {
      problems.push_back(
          {0, 0, "common.grpc.tls", absl::StrCat("is required where the peer ", name, " is no Unix socket")});
    }
  }
  return problems;
}

std::unique_ptr<Message> LoadConfig(const AppFactory& factory, const std::string& path) {
  std::unique_ptr<Message> config = factory.NewConfig();
  const absl::Status status = config::LoadFile(path, config.get());
  if (!status.ok()) {
    std::fprintf(stderr, "%s\n", std::string(status.message()).c_str());
    return nullptr;
  }
  std::vector<config::Problem> problems = CheckCommon(factory.Common(*config));
  for (config::Problem& problem : factory.Check(*config)) problems.push_back(std::move(problem));
  if (!problems.empty()) {
    std::fprintf(stderr, "%s\n", config::FormatProblems(path, problems).c_str());
    return nullptr;
  }
  return config;
}

void StartLogging(std::string_view role, const config::v1::CommonConfig& common) {
  telemetry::LogOptions options;
  options.service = common.name().empty() ? std::string(role) : common.name();
  options.level = telemetry::ParseLevel(common.log().level()).value_or(telemetry::Level::kInfo);
  options.format = common.log().format() == config::v1::LogConfig::FORMAT_TEXT ? telemetry::LogFormat::kText
                                                                               : telemetry::LogFormat::kJson;
  telemetry::ConfigureLogging(options);
}

int CannotStart(const absl::Status& status) {
  telemetry::Error("cannot start", {{"error", status}});
  telemetry::FlushLogs();
  return kFailed;
}

// Ends without destructors: for what is still running after its time and would be cut off in the middle of anything.
[[noreturn]] void EndNow(RuntimeImpl& runtime, int code) {
  if (const uint64_t cut = runtime.sessions().EndDrain().cut; cut > 0) telemetry::Warning("sessions are cut off", {{"sessions", cut}});
  telemetry::FlushLogs();
  std::_Exit(code);
}

absl::Duration DrainDelay(const config::v1::CommonConfig& common) {
  return absl::Seconds(common.drain().delay().seconds()) + absl::Nanoseconds(common.drain().delay().nanos());
}

// From the first sign of the end to the last call (reference: the drain contract). Whether all came to its end.
bool Drain(RuntimeImpl& runtime, AppBase& app) {
  const absl::Time start = absl::Now();
  telemetry::Info("draining", {{"sessions", runtime.sessions().size()}});
  runtime.BeginDrain();
  // Load balancers go on sending until they have noticed: sessions are still taken.
  absl::SleepFor(DrainDelay(runtime.common()));
  runtime.StopListeners();
  const absl::Time deadline = absl::Now() + runtime.drain_window();
  absl::SleepFor(start + runtime.late_calls() - absl::Now());
  app.Drain(deadline);
  runtime.WaitForConnections(deadline);
  runtime.StopGrpc(std::max(deadline, absl::Now() + kGrpcGrace));
  app.Stop();
  const SessionRegistry::DrainCounts counts = runtime.sessions().EndDrain();
  telemetry::Info("drained", {{"seconds", absl::Now() - start},
                              {"finished", counts.finished},
                              {"told", counts.told},
                              {"cut", counts.cut}});
  return counts.cut == 0 && runtime.connections() == 0;
}

int Serve(const AppFactory& factory, const Message& config, RuntimeImpl& runtime) {
  if (absl::Status status = runtime.CheckIdentity(); !status.ok()) return CannotStart(status);
  if (absl::Status status = runtime.StartAdmin(); !status.ok()) return CannotStart(status);
  absl::StatusOr<std::unique_ptr<AppBase>> app = factory.Create(config, runtime);
  if (!app.ok()) return CannotStart(app.status());
  absl::Status status = runtime.StartGrpc();
  if (status.ok()) status = (*app)->Start();
  if (!status.ok()) {
    // Sessions may run already, and calls: end them before what they use.
    runtime.StopListeners();
    runtime.StopGrpc(absl::Now());
    (*app)->Stop();
    runtime.ForgetApp();
    const int code = CannotStart(status);
    if (runtime.sessions().size() > 0 || runtime.connections() > 0) EndNow(runtime, code);
    runtime.StopThreads();
    return code;
  }
  runtime.SetReady();
  telemetry::Info("ready", {{"version", telemetry::Version()}, {"commit", telemetry::Commit()}});
  runtime.lifecycle().WaitForEnd();
  const bool drained = Drain(runtime, **app);
  runtime.ForgetApp();
  if (!drained) EndNow(runtime, 0);
  runtime.StopThreads();
  app->reset();
  return 0;
}

}  // namespace

int RunFactory(const AppFactory& factory, int argc, char** argv) {
  int exit_code = 0;
  const std::optional<Flags> flags = ParseFlags(factory.role(), argc, argv, exit_code);
  if (!flags) return exit_code;
  const std::unique_ptr<Message> config = LoadConfig(factory, flags->config);
  if (config == nullptr) return kUsage;
  if (flags->print_config) {
    std::fputs(config::PrintEffective(*config).c_str(), stdout);
    return 0;
  }
  if (flags->check_config) {
    std::printf("%s: good\n", flags->config.c_str());
    return 0;
  }

  Signals::Block();
  const config::v1::CommonConfig& common = factory.Common(*config);
  StartLogging(factory.role(), common);
  absl::StatusOr<net::InheritedSockets> inherited = net::InheritedSockets::FromEnvironment();
  if (!inherited.ok()) return CannotStart(inherited.status());
  int code;
  {
    RuntimeImpl runtime({.role = std::string(factory.role()),
                         .config = config::PrintEffective(*config),
                         .common = common,
                         .inherited = std::move(*inherited),
                         .notify = SupervisorNotify::FromEnvironment(),
                         .endpoints_file = EndpointsFile::PathFromEnvironment(),
                         .balanced = factory.balanced()});
    Signals signals({.on_end = [&runtime] { runtime.lifecycle().RequestEnd(); },
                     .on_second = [&runtime] { EndNow(runtime, kFailed); },
                     .on_reload = [&runtime] { runtime.ReloadCertificates(); }});
    code = Serve(factory, *config, runtime);
  }
  telemetry::Info("ended", {{"code", code}});
  telemetry::FlushLogs();
  return code;
}

}  // namespace mailmesh::service
