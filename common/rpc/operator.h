// The name of the person behind a call of the `operator` role, for audit logs. It is what the tool says, not proved: the proof
// is the certificate, or on a Unix socket the mesh's own user.
//
// Thread-safe.
#ifndef MAILMESH_COMMON_RPC_OPERATOR_H_
#define MAILMESH_COMMON_RPC_OPERATOR_H_

#include <string>

#include "common/rpc/call_context.h"

namespace mailmesh::rpc {

inline constexpr char kOperatorKey[] = "mailmesh-operator";

// Empty unless an operator calls. Printable ASCII without spaces, at most 128 octets; "operator" where the tool gave no
// name that can be logged. Only while the handler runs.
std::string OperatorOf(const CallInfo& info);

}  // namespace mailmesh::rpc

#endif  // MAILMESH_COMMON_RPC_OPERATOR_H_
