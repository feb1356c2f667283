#include "services/mailbox_store/engine/fetch_fence.h"

#include "common/base/status.h"
#include "services/mailbox_store/engine/errors.h"
#include "services/mailbox_store/engine/store.h"

namespace mailmesh::mailbox_store {

absl::Status CheckFetchLease(Txn& txn, std::string_view job_id, uint64_t token) {
  const std::optional<JobKey> key = ParseJobId(job_id);
  // A job of another account is as if it were not there.
  if (!key || key->account != txn.number()) return FetchJobNotFound(job_id);
  ASSIGN_OR_RETURN(const auto octets, txn.Get(ColumnId::kJobs, keys::Job(key->account, key->job)));
  if (!octets) return FetchJobNotFound(job_id);
  storage::v1::FetchJobRecord record;
  if (!record.ParseFromString(*octets)) return Damaged("fetch job");
  if (token == 0 || record.lease_token() != token || record.lease_until_seconds() <= txn.store().NowSeconds()) {
    return LeaseLost("the fetch job's lease is not this one");
  }
  return absl::OkStatus();
}

absl::Status FenceCheck::CheckLease() {
  RETURN_IF_ERROR(CheckFetchLease(txn_, fence_.job_id(), fence_.lease_token()));
  job_ = ParseJobId(fence_.job_id())->job;
  return absl::OkStatus();
}

absl::StatusOr<bool> FenceCheck::MarkSeen(std::string_view remote_id) {
  if (remote_id.empty() || remote_id.size() > kMaxRemoteId) return InvalidRequest("remote id");
  const std::string key = keys::SeenId(txn_.number(), job_, remote_id);
  ASSIGN_OR_RETURN(const auto seen, txn_.Get(ColumnId::kSeenIds, key));
  if (seen) return false;
  txn_.Put(ColumnId::kSeenIds, key, "");
  return true;
}

}  // namespace mailmesh::mailbox_store
