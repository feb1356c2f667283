// Fetch jobs between the contract and the disk.
#ifndef MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_FETCH_JOB_RECORD_H_
#define MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_FETCH_JOB_RECORD_H_

#include "absl/status/status.h"
#include "mailmesh/fetch/v1/fetch_job.pb.h"
#include "mailmesh/storage/v1/mailbox.pb.h"
#include "services/mailbox_store/engine/keys.h"

namespace mailmesh::mailbox_store {

absl::Status CheckFetchJob(const fetch::v1::FetchJob& job);
storage::v1::FetchJobRecord ToStored(const fetch::v1::FetchJob& job);
// With the credential only for the one who leases the job.
fetch::v1::FetchJob ToContract(const JobKey& key, const storage::v1::FetchJobRecord& record, bool with_credential);
fetch::v1::FetchJobState StateOf(const storage::v1::FetchJobRecord& record, int64_t now_seconds);

}  // namespace mailmesh::mailbox_store

#endif  // MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_FETCH_JOB_RECORD_H_
