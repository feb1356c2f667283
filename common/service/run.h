// Runs a role as a process: everything between main() and the App.
//
//   int main(int argc, char** argv) { return mailmesh::service::Run<mailmesh::pop3_gateway::App>(argc, argv); }
//
//   class App : public service::AppBase {
//    public:
//     using Config = config::v1::Pop3GatewayConfig;               // has CommonConfig common = 1
//     static constexpr const char* kRole = "pop3_gateway";
//     static absl::StatusOr<std::unique_ptr<App>> Create(const Config& config, service::Runtime& runtime);
//     // Optional, true by default: gRPC connections over host:port end now and then, so that clients find new
//     replicas.
//     // False where each process is addressed by itself (a shard).
//     static constexpr bool kBalanced = false;
//     // Optional: what no rule of a single field can say. Collected with the other mistakes.
//     static std::vector<config::Problem> Check(const Config& config);
//     ... AppBase
//   };
//
// Flow: flags, configuration, logs, I/O threads, admin HTTP (alive from here on), App::Create (opens databases,
// registers gRPC services), gRPC server, App::Start (opens listeners), READY. Then SIGTERM, SIGINT or control.v1 Drain:
// health NOT_SERVING, drain.delay, listeners closed and not ready, App::Drain, gRPC shutdown, App::Stop, App destroyed, exit 0. A
// second signal ends at once (exit 1). SIGHUP reloads certificates.
//
// Flags: --config FILE, --check-config, --print-config, --version, --help. Exit codes: 0 done, 1 failed, 2 wrong usage
// or configuration. Environment: MAILMESH_ENDPOINTS_FILE, LISTEN_FDS, NOTIFY_SOCKET, WATCHDOG_USEC.
#ifndef MAILMESH_COMMON_SERVICE_RUN_H_
#define MAILMESH_COMMON_SERVICE_RUN_H_

#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/config/loader.h"
#include "common/service/runtime.h"

namespace mailmesh::service {

// A role's wiring. All methods are called on the main thread.
class AppBase {
 public:
  virtual ~AppBase() = default;
  // Opens the listeners: from here on the role works. gRPC is served already.
  virtual absl::Status Start() = 0;
  // Lets what runs come to its end, until `deadline` at most; listeners are closed already. Typically
  // runtime.sessions().DrainAll(deadline, spread).
  virtual void Drain(absl::Time deadline) = 0;
  // No gRPC call is running any more, and no session of the registry unless the deadline has passed: close what is
  // open. After it the I/O threads and the pools end, then the App is destroyed; where sessions are left, the process
  // ends right after Stop, without destructors.
  virtual void Stop() = 0;
};

// The App type behind an interface, so that Run's body is compiled once.
class AppFactory {
 public:
  virtual ~AppFactory() = default;
  virtual std::string_view role() const = 0;
  virtual std::unique_ptr<google::protobuf::Message> NewConfig() const = 0;
  virtual const config::v1::CommonConfig& Common(const google::protobuf::Message& config) const = 0;
  virtual bool balanced() const = 0;
  virtual std::vector<config::Problem> Check(const google::protobuf::Message& config) const = 0;
  virtual absl::StatusOr<std::unique_ptr<AppBase>> Create(const google::protobuf::Message& config,
                                                          Runtime& runtime) const = 0;
};

int RunFactory(const AppFactory& factory, int argc, char** argv);

template <class App>
int Run(int argc, char** argv) {
  class Factory final : public AppFactory {
   public:
    using Config = typename App::Config;
    std::string_view role() const override { return App::kRole; }
    std::unique_ptr<google::protobuf::Message> NewConfig() const override { return std::make_unique<Config>(); }
    const config::v1::CommonConfig& Common(const google::protobuf::Message& config) const override {
      return static_cast<const Config&>(config).common();
    }
    bool balanced() const override {
      if constexpr (requires { App::kBalanced; }) return App::kBalanced;
      return true;
    }
    std::vector<config::Problem> Check(const google::protobuf::Message& config) const override {
      if constexpr (requires(const Config& c) { App::Check(c); }) {
        return App::Check(static_cast<const Config&>(config));
      } else {
        return {};
      }
    }
    absl::StatusOr<std::unique_ptr<AppBase>> Create(const google::protobuf::Message& config,
                                                    Runtime& runtime) const override {
      absl::StatusOr<std::unique_ptr<App>> app = App::Create(static_cast<const Config&>(config), runtime);
      if (!app.ok()) return app.status();
      return std::unique_ptr<AppBase>(std::move(*app));
    }
  };
  return RunFactory(Factory(), argc, argv);
}

}  // namespace mailmesh::service

#endif  // MAILMESH_COMMON_SERVICE_RUN_H_
