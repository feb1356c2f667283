#include "common/rpc/grpc_process.h"

#include <grpc/grpc.h>
#include <grpc/support/log.h>
#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/slice.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <string_view>

#include "absl/synchronization/mutex.h"
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

// Keeps the completion queue that all callback calls of a process share. It is otherwise torn down with the last channel or
// server that used it, on the thread that lets go of that: where this is a thread of the queue itself (a call that ends
// after its stub is gone holds the channel last), it joins itself and then uses what it has freed.
class CallbackQueuePin {
 public:
  // A channel without credentials fails each call at once and connects to nothing; its first call takes the queue.
  CallbackQueuePin() : channel_(grpc::CreateChannel("", nullptr)), stub_(channel_), request_(&slice_, 1) {
    stub_.UnaryCall(&context_, "/none/none", grpc::StubOptions(), &request_, &response_, [](grpc::Status) {});
  }

 private:
  std::shared_ptr<grpc::Channel> channel_;
  grpc::GenericStub stub_;
  grpc::ClientContext context_;
  grpc::Slice slice_{"-"};
  grpc::ByteBuffer request_;
  grpc::ByteBuffer response_;
};

}  // namespace

void PrepareGrpc() {
  static std::once_flag once;
  std::call_once(once, [] {
    gpr_set_log_function(&Log);
#ifdef __OPTIMIZE__
    // Debian's Abseil was built to watch the order in which locks are taken, gRPC's among them: some percent of every call.
    // The debug preset keeps it.
    absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
#endif
    grpc_init();  // never undone
    // Kept where leak checkers look, although nobody reads it.
    [[gnu::used]] static auto* const pin = new CallbackQueuePin;
  });
}

}  // namespace mailmesh::rpc::rpc_internal
