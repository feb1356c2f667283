// Counts who may still start an operation on a stream, so that its end is told to gRPC exactly once and after the last.
#ifndef MAILMESH_COMMON_RPC_OPERATION_GATE_H_
#define MAILMESH_COMMON_RPC_OPERATION_GATE_H_

#include <atomic>

namespace mailmesh::rpc::rpc_internal {

// Open from the start. Thread-safe.
class OperationGate {
 public:
  // False once closed. Each true wants one Leave().
  bool Enter() {
    int users = users_.load(std::memory_order_relaxed);
    do {
      if ((users & kOpen) == 0) {
        return false;
      }
    } while (!users_.compare_exchange_weak(users, users + kUser, std::memory_order_acq_rel));
    return true;
  }
  // True for the one caller after whom nobody is inside and nobody can enter.
  bool Leave() { return users_.fetch_sub(kUser, std::memory_order_acq_rel) == kUser; }
  // As Leave; only the first call can return true.
  bool Close() { return users_.fetch_and(~kOpen, std::memory_order_acq_rel) == kOpen; }

 private:
  static constexpr int kOpen = 1;
  static constexpr int kUser = 2;
  std::atomic<int> users_{kOpen};
};

}  // namespace mailmesh::rpc::rpc_internal

#endif  // MAILMESH_COMMON_RPC_OPERATION_GATE_H_
