#include "common/rpc/grpc_process.h"

#include <grpc/grpc.h>
#include <grpc/support/cpu.h>
#include <grpc/support/log.h>
#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/slice.h>

#include <pthread.h>

#include <atomic>
#include <cstdlib>
#include <functional>
#include <memory>
#include <mutex>
#include <string_view>
#include <utility>

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

// A call that fails at once, on a channel without credentials, which connects to nothing. Its callback comes by the completion queue
// that all callback calls of a process share.
struct IdleCall {
  explicit IdleCall(const std::shared_ptr<grpc::Channel>& channel) : stub(channel) {}
  grpc::GenericStub stub;
  grpc::ClientContext context;
  grpc::Slice slice{"-"};
  grpc::ByteBuffer request{&slice, 1};
  grpc::ByteBuffer response;
};

void MakeIdleCall(const std::shared_ptr<grpc::Channel>& channel, std::function<void()> then) {
  auto call = std::make_shared<IdleCall>(channel);  // lives in its own callback
  call->stub.UnaryCall(&call->context, "/none/none", grpc::StubOptions(), &call->request, &call->response,
                       [call, then = std::move(then)](grpc::Status) { then(); });
}

// What gRPC 1.51 does with the threads of that queue, mended for machines of up to five cores, where there are two.
//
// They take turns at waiting for descriptors: whichever gets an event first wakes the other one to wait in its place. Our callbacks
// only hand over, so that is a wake-up and a switch of threads for each event, and gains nothing. And a thread that saw no event for
// a second sleeps for 100 ms, in which nobody may be waiting: a call after a pause was up to 100 ms late. So one of the two is kept,
// and has it that the other one never sees a second without an event. ADR 61.
void KeepOtherThreadAwake(const std::shared_ptr<grpc::Channel>& channel) {
  pthread_setname_np(pthread_self(), "grpc-tend");
  // What gRPC's destructors take away at the process's end must not be called any more. Never destroyed: this thread stays.
  static absl::Mutex& mutex = *new absl::Mutex;
  static bool exiting = false;
  std::atexit([] {
    absl::MutexLock lock(&mutex);
    exiting = true;
  });
  while (true) {
    absl::SleepFor(absl::Milliseconds(500));
    absl::MutexLock lock(&mutex);
    if (exiting) return;
    MakeIdleCall(channel, [] {});
  }
}

// Keeps the queue, which is otherwise torn down with the last channel or server that used it, on the thread that lets go of that:
// where this is a thread of the queue itself (a call that ends after its stub is gone holds the channel last), it joins itself and
// then uses what it has freed.
class CallbackQueuePin {
 public:
  CallbackQueuePin() : channel_(grpc::CreateChannel("", nullptr)) {
    // gRPC: half as many threads as cores, two at least. With more than two, each event finds one that waits already.
    constexpr unsigned kCoresOfThreeThreads = 6;
    const bool two = gpr_cpu_num_cores() < kCoresOfThreeThreads;
    MakeIdleCall(channel_, [this, two] {
      if (two) KeepOtherThreadAwake(channel_);
    });
  }

 private:
  const std::shared_ptr<grpc::Channel> channel_;  // its first call takes the queue
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
