#include "common/rpc/grpc_process.h"

#include <grpc/grpc.h>
#include <grpc/support/log.h>

#include <atomic>
#include <mutex>
#include <string_view>

#include "absl/time/clock.h"
#include "common/telemetry/log.h"

namespace mailmesh::rpc::rpc_internal {
namespace {

constexpr int kLinesPerSecond = 20;
// gRPC's server says this of each handshake whose host name is not in its certificate; for us the role counts.
constexpr std::string_view kNoise = "No match found for server name";

bool MayLog() {
  static std::atomic<int64_t> second{0};
  static std::atomic<int> lines{0};
  int64_t now = absl::ToUnixSeconds(absl::Now());
  if (second.exchange(now, std::memory_order_relaxed) != now) {
    lines.store(0, std::memory_order_relaxed);
  }
  return lines.fetch_add(1, std::memory_order_relaxed) < kLinesPerSecond;
}

void Log(gpr_log_func_args* args) {
  std::string_view message(args->message);
  telemetry::Level level =
      args->severity == GPR_LOG_SEVERITY_ERROR ? telemetry::Level::kWarning : telemetry::Level::kDebug;
  if (!telemetry::LogEnabled(level) || message.substr(0, kNoise.size()) == kNoise || !MayLog()) {
    return;
  }
  telemetry::Log(level, "gRPC says", {{"error", message}});
}

}  // namespace

void PrepareGrpc() {
  static std::once_flag once;
  std::call_once(once, [] {
    gpr_set_log_function(&Log);
    grpc_init();  // never undone
  });
}

}  // namespace mailmesh::rpc::rpc_internal
