#include "common/rpc/call_meter.h"

#include "common/rpc/method_metrics.h"

namespace mailmesh::rpc::rpc_internal {
namespace {

// The innermost scope of the thread; calls are made one inside the other only by gRPC itself.
thread_local ClientMeterScope* current_scope = nullptr;

}  // namespace

void CallMeter::Begin(const MethodMetrics* method) {
  method_ = method;
  if (method_ != nullptr) {
    started_ = std::chrono::steady_clock::now();
    method_->started.Increment();
  }
}

void CallMeter::CountReceived() const {
  if (method_ != nullptr) {
    method_->received.Increment();
  }
}

void CallMeter::CountSent() const {
  if (method_ != nullptr) {
    method_->sent.Increment();
  }
}

void CallMeter::Finish(grpc::StatusCode code) {
  if (method_ != nullptr) {
    method_->Handled(code).Increment();
    method_->seconds.Observe(std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count());
    method_ = nullptr;
  }
}

ClientMeterScope::ClientMeterScope(const grpc::ClientContext* context, CallMeter* meter)
    : context_(context), meter_(meter), outer_(current_scope) {
  current_scope = this;
}

ClientMeterScope::~ClientMeterScope() { current_scope = outer_; }

void ClientMeterScope::Note(const grpc::ClientContext* context, const MethodMetrics* method) {
  if (current_scope != nullptr && current_scope->context_ == context) {
    current_scope->meter_->Begin(method);
  }
}

}  // namespace mailmesh::rpc::rpc_internal
