// A role that does next to nothing, as a process: lines that come in go out again. For the tests of common/service.
#include <asio/awaitable.hpp>
#include <string>

#include "common/base/random.h"
#include "common/net/io_pool.h"
#include "common/net/listener.h"
#include "common/net/stream.h"
#include "common/service/on_pool.h"
#include "common/service/run.h"
#include "common/telemetry/log.h"
#include "mailmesh/config/v1/pop3_gateway.pb.h"

namespace mailmesh::echo {

class App final : public service::AppBase {
 public:
  // Any configuration with a listener and certificates will do.
  using Config = config::v1::Pop3GatewayConfig;
  static constexpr const char* kRole = "pop3_gateway";

  static absl::StatusOr<std::unique_ptr<App>> Create(const Config& config, service::Runtime& runtime) {
    if (config.hostname() == "fail.create") return absl::FailedPreconditionError("asked to fail");
    if (config.hostname() == "schema") {
      runtime.SetDatabaseSchema({.version = 2, .newest = 3});
      runtime.OnFinalizeUpgrade([&runtime] {
        runtime.SetDatabaseSchema({.version = 3, .newest = 3, .step_left = 1});
        return absl::OkStatus();
      });
    }
    return std::make_unique<App>(config, runtime);
  }
  static std::vector<config::Problem> Check(const Config& config) {
    if (config.hostname() == "bad.check") return {{0, 0, "hostname", "is bad"}};
    return {};
  }

  App(const Config& config, service::Runtime& runtime)
      : config_(config), runtime_(runtime), pool_(runtime.Pool("echo", 2)) {}

  absl::Status Start() override {
    if (config_.hostname() == "unready") {
      runtime_.AddReadinessCheck("database", [] { return absl::UnavailableError("not open"); });
    }
    absl::StatusOr<bool> started = runtime_.StartListener(
        "pop3", config_.pop3(), {}, [this](net::Stream stream) { return Serve(std::move(stream)); });
    if (!started.ok()) return started.status();
    if (!*started) return absl::InvalidArgumentError("pop3.listen is empty");
    if (config_.tls().certificates_size() > 0) return runtime_.LoadTls("pop3s", config_.tls()).status();
    return absl::OkStatus();
  }
  void Drain(absl::Time deadline) override {
    const bool done = runtime_.sessions().DrainAll(deadline);
    telemetry::Info("app drained", {{"done", done}});
  }
  void Stop() override { telemetry::Info("app stopped"); }

 private:
  net::Awaitable<void> Serve(net::Stream stream) {
    const net::StreamHandle handle = stream.handle();
    service::SessionFacts facts;
    facts.session_id = base::NewSessionId();
    facts.protocol = "echo";
    facts.peer_address = stream.peer_address().ToString();
    auto entry = runtime_.sessions().Register(facts, [this, handle](service::KickReason reason) {
      // "stubborn" sessions stay until they are cut off.
      if (config_.hostname() != "stubborn" || reason == service::KickReason::kOperator) handle.Interrupt();
    });
    entry.SetState("echoing");
    while (true) {
      const absl::StatusOr<net::WaitResult> readable = co_await stream.WaitReadable();
      if (!readable.ok()) co_return;
      if (*readable == net::WaitResult::kInterrupted) {
        co_await stream.Write("bye\r\n");
        co_return;
      }
      char buffer[1024];
      const absl::StatusOr<size_t> n = co_await stream.ReadSome(buffer);
      if (!n.ok() || *n == 0) co_return;
      const std::string text(buffer, *n);
      if (text.starts_with("exit")) runtime_.RequestExit(absl::DataLossError("disk is gone"));
      auto work = [text] { return "echo: " + text; };
      const absl::StatusOr<std::string> reply = co_await service::OnPool(pool_, std::move(work));
      if (!reply.ok()) co_return;
      const absl::Status written = co_await stream.Write(*reply);
      if (!written.ok()) co_return;
    }
  }

  const Config& config_;
  service::Runtime& runtime_;
  base::WorkerPool& pool_;
};

}  // namespace mailmesh::echo

int main(int argc, char** argv) { return mailmesh::service::Run<mailmesh::echo::App>(argc, argv); }
