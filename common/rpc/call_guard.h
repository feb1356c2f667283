// What a server does around each call: admits it (a bounded number is in flight), counts it, and tells streams to finish
// when the server drains.
//
// The registry learns of a call by an interceptor factory (see call_meter.h); a handler adapter makes a CallGuard on the
// same thread, next. Calls of a gRPC server without registry (not made by rpc::Server) are admitted and not counted.
#ifndef MAILMESH_COMMON_RPC_CALL_GUARD_H_
#define MAILMESH_COMMON_RPC_CALL_GUARD_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_interceptor.h>

#include <atomic>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "common/rpc/call_meter.h"

namespace mailmesh::rpc::rpc_internal {

class MethodTable;

// A stream that wants to hear of the drain.
class DrainListener {
 public:
  virtual void OnDrain() = 0;  // any thread; must not block or call back into the registry

 protected:
  ~DrainListener() = default;
  friend class CallRegistry;
  size_t drain_index_ = 0;  // of the registry
};

// All calls of one server. Outlives them. Thread-safe.
class CallRegistry {
 public:
  // `methods` may be null; else it outlives the registry.
  CallRegistry(int max_calls, MethodTable* methods) : max_calls_(max_calls), methods_(methods) {}

  // Hands calls to guards; for ServerBuilder. Holds a reference to the registry.
  std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> MakeFactory();
  // From now on streams are told to finish, new ones at once.
  void Drain();
  int in_flight() const { return in_flight_.load(std::memory_order_relaxed); }

 private:
  friend class CallGuard;
  bool Enter();
  void Leave() { in_flight_.fetch_sub(1, std::memory_order_acq_rel); }
  void Listen(DrainListener* listener);
  void Forget(DrainListener* listener);

  const int max_calls_;
  MethodTable* const methods_;
  std::atomic<int> in_flight_{0};
  absl::Mutex mutex_;
  bool draining_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<DrainListener*> listeners_ ABSL_GUARDED_BY(mutex_);
};

// One call's place in the registry, from its start until just before its status is sent.
class CallGuard {
 public:
  // On the thread on which gRPC hands the call over, before anything else.
  explicit CallGuard(const grpc::CallbackServerContext* context);
  CallGuard(CallGuard&& other) noexcept;
  CallGuard& operator=(CallGuard&&) = delete;
  ~CallGuard();

  // Not admitted: answer with refusal().
  bool admitted() const { return admitted_; }
  static absl::Status refusal();

  void Listen(DrainListener* listener);
  void CountReceived() const { meter_.CountReceived(); }
  void CountSent() const { meter_.CountSent(); }
  // Before the status is handed to gRPC: after that the server may be gone.
  void Finish(grpc::StatusCode code);

 private:
  CallRegistry* registry_ = nullptr;
  DrainListener* listener_ = nullptr;
  CallMeter meter_;
  bool admitted_ = true;
};

}  // namespace mailmesh::rpc::rpc_internal

#endif  // MAILMESH_COMMON_RPC_CALL_GUARD_H_
