// What a failed call becomes on the wire: the only place that decides it. An error that is not known is a temporary one
// (a fault of ours never bounces mail). RFC 5321, 4.2; RFC 3463.
#ifndef MAILMESH_SERVICES_SMTP_INGRESS_STATUS_TO_SMTP_H_
#define MAILMESH_SERVICES_SMTP_INGRESS_STATUS_TO_SMTP_H_

#include <absl/status/status.h>

#include "common/auth/authenticator.h"
#include "common/smtp/reply.h"
#include "mailmesh/directory/v1/directory_service.pb.h"

namespace mailmesh::smtp_ingress {

const smtp::CannedReply& StatusToReply(const absl::Status& status);
const smtp::CannedReply& FailureToReply(auth::FailureReason reason);
// The answer to RCPT; positive where mail for it is taken.
const smtp::CannedReply& ResolutionToReply(directory::v1::RecipientResolution::Kind kind, bool may_relay);

}  // namespace mailmesh::smtp_ingress

#endif  // MAILMESH_SERVICES_SMTP_INGRESS_STATUS_TO_SMTP_H_
