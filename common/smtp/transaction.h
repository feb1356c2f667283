// One message for one server, and what became of each recipient. Values and free functions.
#ifndef MAILMESH_COMMON_SMTP_TRANSACTION_H_
#define MAILMESH_COMMON_SMTP_TRANSACTION_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "common/smtp/command.h"
#include "common/smtp/ehlo.h"
#include "common/smtp/reply.h"

namespace mailmesh::smtp {

struct Transaction {
  Mail mail;                     // size: of the content, if known; body: what the content needs
  std::vector<Rcpt> recipients;  // at least one
};

enum class Verdict : uint8_t { kPending, kDelivered, kTemporary, kPermanent };
enum class Stage : uint8_t { kNone, kConnect, kHello, kStartTls, kAuth, kMail, kRcpt, kContent, kEnd };

struct Outcome {
  Verdict verdict = Verdict::kPending;
  Stage stage = Stage::kNone;  // where it was decided
  Reply reply;                 // that decided it: the server's, or one of ours (kConnectionLost ...) with local = true
  bool local = false;
};

// The reply by which we would have to refuse the message for a server with this offer: it needs SMTPUTF8 or BINARYMIME
// or REQUIRETLS, or more octets, than is offered. (8BITMIME is not here: what to do without it is the relay's
// decision.)
std::optional<Reply> RefusalFor(const Transaction& transaction, const Capabilities& offer);

}  // namespace mailmesh::smtp

#endif  // MAILMESH_COMMON_SMTP_TRANSACTION_H_
