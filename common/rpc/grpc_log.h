// Sends what gRPC itself logs to our log. For server.cc and channel.cc.
#ifndef MAILMESH_COMMON_RPC_GRPC_LOG_H_
#define MAILMESH_COMMON_RPC_GRPC_LOG_H_

namespace mailmesh::rpc::rpc_internal {

// Once for the process; again: nothing. gRPC's errors become warnings (a peer whose handshake fails is one), at most 20 a
// second, for peers can cause them.
void RouteGrpcLog();

}  // namespace mailmesh::rpc::rpc_internal

#endif  // MAILMESH_COMMON_RPC_GRPC_LOG_H_
