// Counts calls without interceptors on their way: gRPC offers the method's name to interceptor factories only, so ours
// notes it, makes no interceptor (a call then keeps gRPC's fast path), and the adapter that starts or answers the call on
// the same thread picks the note up.
//
// Thread-safety: a meter belongs to one call; its functions may be called from that call's threads, one after another.
#ifndef MAILMESH_COMMON_RPC_CALL_METER_H_
#define MAILMESH_COMMON_RPC_CALL_METER_H_

#include <grpcpp/support/status_code_enum.h>

#include <chrono>

namespace grpc {
class ClientContext;
}

namespace mailmesh::rpc::rpc_internal {

class MethodMetrics;

// What counts one call: begun, its messages, its end. Cheap where nothing is measured.
class CallMeter {
 public:
  void Begin(const MethodMetrics* method);
  void CountReceived() const;
  void CountSent() const;
  // The first call counts.
  void Finish(grpc::StatusCode code);

 private:
  const MethodMetrics* method_ = nullptr;
  std::chrono::steady_clock::time_point started_;
};

// While it lives, a call made with `context` on this thread reports to `meter`.
class ClientMeterScope {
 public:
  ClientMeterScope(const grpc::ClientContext* context, CallMeter* meter);
  ~ClientMeterScope();
  ClientMeterScope(const ClientMeterScope&) = delete;
  ClientMeterScope& operator=(const ClientMeterScope&) = delete;
  // Called by the interceptor factory of a channel.
  static void Note(const grpc::ClientContext* context, const MethodMetrics* method);

 private:
  const grpc::ClientContext* context_;
  CallMeter* meter_;
  ClientMeterScope* outer_;
};

}  // namespace mailmesh::rpc::rpc_internal

#endif  // MAILMESH_COMMON_RPC_CALL_METER_H_
