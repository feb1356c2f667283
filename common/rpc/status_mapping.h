// absl::Status <-> grpc::Status. Details travel as google.rpc.Status in `grpc-status-details-bin`, as every gRPC library
// with rich errors reads and writes them.
//
// Limits: messages are cut at 1 KiB and details of more than 4 KiB are dropped, for both travel in HTTP/2 trailers, of
// which a peer takes 8 KiB.
#ifndef MAILMESH_COMMON_RPC_STATUS_MAPPING_H_
#define MAILMESH_COMMON_RPC_STATUS_MAPPING_H_

#include <grpcpp/support/status.h>

#include <string>

#include "absl/status/status.h"

namespace mailmesh::rpc {

grpc::Status ToGrpc(const absl::Status& status);
absl::Status FromGrpc(const grpc::Status& status);

// Canonical name of a code as in grpc_code labels: "OK", "NotFound", ...
const char* CodeName(grpc::StatusCode code);

}  // namespace mailmesh::rpc

#endif  // MAILMESH_COMMON_RPC_STATUS_MAPPING_H_
