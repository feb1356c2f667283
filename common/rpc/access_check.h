// Asks the access table about every call of a TLS connection. For tls.cc.
#ifndef MAILMESH_COMMON_RPC_ACCESS_CHECK_H_
#define MAILMESH_COMMON_RPC_ACCESS_CHECK_H_

#include <grpcpp/security/auth_metadata_processor.h>

#include <memory>

namespace mailmesh::rpc::rpc_internal {

// An interceptor could only cancel; this one's PERMISSION_DENIED reaches the caller.
std::shared_ptr<grpc::AuthMetadataProcessor> MakeAccessCheck();

}  // namespace mailmesh::rpc::rpc_internal

#endif  // MAILMESH_COMMON_RPC_ACCESS_CHECK_H_
