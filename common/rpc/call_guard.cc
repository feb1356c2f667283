#include "common/rpc/call_guard.h"

#include <utility>

#include "common/rpc/method_metrics.h"
#include "common/rpc/status.h"

namespace mailmesh::rpc::rpc_internal {
namespace {

using RpcType = grpc::experimental::ServerRpcInfo::Type;

// A call that this thread is about to hand to its handler.
struct PendingCall {
  const grpc::ServerContextBase* context = nullptr;
  CallRegistry* registry = nullptr;
  // gRPC's; valid as long as the call.
  const char* path = nullptr;
  RpcType type = RpcType::UNARY;
};
thread_local PendingCall pending_call;

const char* TypeName(RpcType type) {
  switch (type) {
    case RpcType::UNARY:
      return "unary";
    case RpcType::CLIENT_STREAMING:
      return "client_stream";
    case RpcType::SERVER_STREAMING:
      return "server_stream";
    case RpcType::BIDI_STREAMING:
      return "bidi_stream";
  }
  return "unary";
}

class NotingFactory final : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  explicit NotingFactory(CallRegistry* registry) : registry_(registry) {}
  grpc::experimental::Interceptor* CreateServerInterceptor(grpc::experimental::ServerRpcInfo* info) override {
    pending_call = {info->server_context(), registry_, info->method(), info->type()};
    return nullptr;  // not interested in the call's operations
  }

 private:
  CallRegistry* registry_;
};

}  // namespace

std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> CallRegistry::MakeFactory() {
  return std::make_unique<NotingFactory>(this);
}

bool CallRegistry::Enter() {
  if (in_flight_.fetch_add(1, std::memory_order_acq_rel) < max_calls_) {
    return true;
  }
  Leave();
  return false;
}

void CallRegistry::Drain() {
  absl::MutexLock lock(&mutex_);
  draining_ = true;
  for (DrainListener* listener : listeners_) {
    listener->OnDrain();
  }
}

void CallRegistry::Listen(DrainListener* listener) {
  absl::MutexLock lock(&mutex_);
  listener->drain_index_ = listeners_.size();
  listeners_.push_back(listener);
  if (draining_) {
    listener->OnDrain();
  }
}

void CallRegistry::Forget(DrainListener* listener) {
  absl::MutexLock lock(&mutex_);
  listeners_[listener->drain_index_] = listeners_.back();
  listeners_[listener->drain_index_]->drain_index_ = listener->drain_index_;
  listeners_.pop_back();
}

CallGuard::CallGuard(const grpc::CallbackServerContext* context) {
  PendingCall pending = std::exchange(pending_call, PendingCall());
  if (pending.context != static_cast<const grpc::ServerContextBase*>(context)) {
    return;
  }
  if (pending.registry->methods_ != nullptr) {
    meter_.Begin(pending.registry->methods_->Find(pending.path, TypeName(pending.type)));
  }
  admitted_ = pending.registry->Enter();
  if (admitted_) {
    registry_ = pending.registry;
  }
}

CallGuard::CallGuard(CallGuard&& other) noexcept
    : registry_(std::exchange(other.registry_, nullptr)),
      listener_(std::exchange(other.listener_, nullptr)),
      meter_(std::exchange(other.meter_, CallMeter())),
      admitted_(other.admitted_) {}

CallGuard::~CallGuard() { Finish(grpc::StatusCode::INTERNAL); }

absl::Status CallGuard::refusal() {
  return MakeError(absl::StatusCode::kResourceExhausted, type::v1::ERROR_REASON_OVERLOAD, "too many calls in flight");
}

void CallGuard::Listen(DrainListener* listener) {
  if (registry_ != nullptr) {
    listener_ = listener;
    registry_->Listen(listener);
  }
}

void CallGuard::Finish(grpc::StatusCode code) {
  meter_.Finish(code);
  CallRegistry* registry = std::exchange(registry_, nullptr);
  if (registry == nullptr) {
    return;
  }
  if (listener_ != nullptr) {
    registry->Forget(std::exchange(listener_, nullptr));
  }
  registry->Leave();
}

}  // namespace mailmesh::rpc::rpc_internal
