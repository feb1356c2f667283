// The audit log: a line for each call that an operator makes, with the operator's name and what is touched. Written before
// the call runs, so that one that ends the process is there too.
#ifndef MAILMESH_SERVICES_MAILBOX_STORE_RPC_AUDIT_H_
#define MAILMESH_SERVICES_MAILBOX_STORE_RPC_AUDIT_H_

#include "common/rpc/call_context.h"
#include "google/protobuf/message.h"

namespace mailmesh::mailbox_store {

// Nothing for calls of other roles. `request`: any request of this service; its account, mailbox and UIDs are found by name.
void Audit(const rpc::CallInfo& info, const google::protobuf::Message& request);

}  // namespace mailmesh::mailbox_store

#endif  // MAILMESH_SERVICES_MAILBOX_STORE_RPC_AUDIT_H_
