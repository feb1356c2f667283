// What a failed call becomes on the wire: the only place that decides it. An error that is not known is a temporary one.
// RFC 2449, 8; RFC 3206.
#ifndef MAILMESH_SERVICES_POP3_GATEWAY_STATUS_TO_POP3_H_
#define MAILMESH_SERVICES_POP3_GATEWAY_STATUS_TO_POP3_H_

#include <absl/status/status.h>

#include "common/auth/authenticator.h"
#include "common/pop3/reply.h"

namespace mailmesh::pop3_gateway {

const pop3::CannedReply& StatusToReply(const absl::Status& status);
const pop3::CannedReply& FailureToReply(auth::FailureReason reason);

}  // namespace mailmesh::pop3_gateway

#endif  // MAILMESH_SERVICES_POP3_GATEWAY_STATUS_TO_POP3_H_
