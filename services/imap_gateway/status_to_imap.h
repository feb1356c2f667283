// What a failed call becomes on the wire: the only place that decides it. An error that is not known is a temporary one,
// and no text of an error of ours reaches a client. RFC 5530; RFC 3501, 7.1; RFC 7889 (TOOBIG: RFC 4469).
#ifndef MAILMESH_SERVICES_IMAP_GATEWAY_STATUS_TO_IMAP_H_
#define MAILMESH_SERVICES_IMAP_GATEWAY_STATUS_TO_IMAP_H_

#include <string_view>

#include "absl/status/status.h"
#include "common/auth/authenticator.h"
#include "common/imap/response.h"

namespace mailmesh::imap_gateway {

struct Refusal {
  imap::Condition condition = imap::Condition::kNo;
  imap::Code code = imap::Code::kNone;
  std::string_view text;  // static
};

// What the call was about: the same NOT_FOUND has two answers.
enum class About {
  kMailbox,
  // The mailbox that COPY, MOVE or APPEND would put messages into: RFC 3501, 6.4.7: [TRYCREATE].
  kDestination,
};

Refusal StatusToRefusal(const absl::Status& status, About about = About::kMailbox);
Refusal FailureToRefusal(auth::FailureReason reason);

}  // namespace mailmesh::imap_gateway

#endif  // MAILMESH_SERVICES_IMAP_GATEWAY_STATUS_TO_IMAP_H_
