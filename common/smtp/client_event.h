// What ClientMachine tells the session. Values.
#ifndef MAILMESH_COMMON_SMTP_CLIENT_EVENT_H_
#define MAILMESH_COMMON_SMTP_CLIENT_EVENT_H_

#include <string>
#include <variant>

#include "common/smtp/reply.h"

namespace mailmesh::smtp::client {

// Write out output(), then read (or, while content is being sent, go on sending).
struct NeedInput {};
// The greeting: 220, or the server wants nothing (then Quit()).
struct Greeted {
  Reply reply;
};
// EHLO/LHLO, or HELO after EHLO was not understood. If positive, offer() is valid.
struct HelloDone {
  Reply reply;
};
// STARTTLS. Positive: shake hands, then TlsEstablished() and Hello() again.
struct StartTlsDone {
  Reply reply;
};
// Go on with AuthRespond() or AuthCancel(). Decoded.
struct AuthChallenged {
  std::string challenge;
};
struct AuthDone {
  Reply reply;
};
// The server takes the content: SendContent()*, EndContent().
struct SendContent {};
// The transaction is over: outcomes() are final. Also after a lost connection or a 421 (then closed() is true).
struct TransactionDone {};
// NOOP, RSET.
struct CommandDone {
  Reply reply;
};
// QUIT was answered, or the server said 421 outside a transaction. Close.
struct Closed {
  Reply reply;
};
// The server broke the protocol (what is no reply, a reply to nothing, plain text behind STARTTLS). Close; if a
// transaction was in progress its outcomes are temporary failures.
struct Failed {
  Reply reply;  // one of ours
};

using Event = std::variant<NeedInput, Greeted, HelloDone, StartTlsDone, AuthChallenged, AuthDone, SendContent,
                           TransactionDone, CommandDone, Closed, Failed>;

}  // namespace mailmesh::smtp::client

#endif  // MAILMESH_COMMON_SMTP_CLIENT_EVENT_H_
