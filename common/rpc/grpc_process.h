// What gRPC wants set up once in a process. For server.cc and channel.cc.
#ifndef MAILMESH_COMMON_RPC_GRPC_PROCESS_H_
#define MAILMESH_COMMON_RPC_GRPC_PROCESS_H_

namespace mailmesh::rpc::rpc_internal {

// Once for the process; again: nothing. gRPC's own log goes to ours: its errors become warnings (a peer whose handshake
// fails is one), at most 20 a second, for peers can cause them. And the library stays up until the process ends: 1.51 shuts
// down with its last channel or server, which can block their owner for 10 s (an executor thread that polls) or crash
// (when a callback lets go of the channel last).
void PrepareGrpc();

}  // namespace mailmesh::rpc::rpc_internal

#endif  // MAILMESH_COMMON_RPC_GRPC_PROCESS_H_
