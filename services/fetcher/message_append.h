// Stores one downloaded message in the account's mailbox, exactly once: the remote id and the lease's token go into the same
// commit. Contents above 256 KiB stream.
#ifndef MAILMESH_SERVICES_FETCHER_MESSAGE_APPEND_H_
#define MAILMESH_SERVICES_FETCHER_MESSAGE_APPEND_H_

#include <absl/status/statusor.h>

#include <memory>
#include <string>

#include "common/telemetry/trace.h"
#include "mailmesh/fetch/v1/fetch_job_service.pb.h"
#include "mailmesh/mailbox/v1/mailbox_service.grpc.pb.h"
#include "services/fetcher/pop3_connection.h"

namespace mailmesh::fetcher {

// Reads the message that `connection` has begun (Retrieve) to its end and appends it. True: appended; false: it had been seen.
net::Awaitable<absl::StatusOr<bool>> AppendFetched(std::shared_ptr<grpc::Channel> store,
                                                   const fetch::v1::LeaseFetchJobsResponse::Lease& lease,
                                                   std::string remote_id, Pop3Connection& connection,
                                                   const telemetry::Trace& trace);

}  // namespace mailmesh::fetcher

#endif  // MAILMESH_SERVICES_FETCHER_MESSAGE_APPEND_H_
