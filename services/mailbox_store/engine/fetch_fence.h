// Fetched messages: only the holder of the job's lease may append, and each remote message once.
#ifndef MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_FETCH_FENCE_H_
#define MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_FETCH_FENCE_H_

#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "mailmesh/mailbox/v1/mailbox_service.pb.h"
#include "services/mailbox_store/engine/txn.h"

namespace mailmesh::mailbox_store {

// What a remote id may have: a UIDL has at most 70 octets (RFC 1939, 7), others are somewhat longer.
inline constexpr size_t kMaxRemoteId = 512;

// LEASE_LOST unless `token` is the one given last and its time has not passed. FETCH_JOB_NOT_FOUND.
absl::Status CheckFetchLease(Txn& txn, std::string_view job_id, uint64_t token);

class FenceCheck {
 public:
  FenceCheck(Txn& txn, const mailbox::v1::FetchFence& fence) : txn_(txn), fence_(fence) {}
  absl::Status CheckLease();
  // After CheckLease. False: seen before.
  absl::StatusOr<bool> MarkSeen(std::string_view remote_id);

 private:
  Txn& txn_;
  const mailbox::v1::FetchFence& fence_;
  uint64_t job_ = 0;
};

}  // namespace mailmesh::mailbox_store

#endif  // MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_FETCH_FENCE_H_
