// What ServerMachine tells the session. Each event says how it is answered. Values.
#ifndef MAILMESH_COMMON_SMTP_SERVER_EVENT_H_
#define MAILMESH_COMMON_SMTP_SERVER_EVENT_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "common/base/secret.h"
#include "common/smtp/command.h"

namespace mailmesh::smtp::server {

// All input is consumed: flush the output, read, call Next() again.
struct NeedInput {};

// The machine has answered a command by itself (NOOP, an error, a chunk, too many recipients ...): for metrics and the
// log. After a chunk content() may have grown.
struct Answered {
  Verb verb = Verb::kOther;
  uint16_t code = 0;
};

// HELO, EHLO, LHLO. Answer(): with a 2yz it is taken, and the machine writes the reply with what is offered; else the
// reply is sent. Once taken, a transaction in progress is over (RFC 5321, 4.1.4): drop it.
struct HelloReceived {
  Hello hello;
};

// Answer(): 2yz begins the transaction.
struct MailReceived {
  Mail mail;
};

// Answer(): 2yz adds the recipient.
struct RcptReceived {
  Rcpt rcpt;
};

// DATA, or the first BDAT of a transaction. Answer(): with kStartMailInput the content is taken; any other reply
// refuses it (for BDAT the machine still swallows the chunk before it sends that reply).
struct BeginContent {
  bool chunked = false;
};

// content() has grown. No answer. The session takes it (TakeContent) when it likes.
struct ContentReceived {};

// The end of the content, good as far as the protocol goes; content() may hold its last octets.
// Answer(): the reply for the message. LMTP: one Answer() for each accepted recipient in order, or AnswerAll().
struct EndContent {
  uint64_t size = 0;
};

// The content was refused by the machine, all replies are given: drop what was taken. No answer.
enum class ContentFault : uint8_t { kBareLineEnding, kTooBig };
struct ContentRefused {
  ContentFault fault = ContentFault::kTooBig;
  uint64_t size = 0;
};

// RSET: drop the transaction, if there is one. Answered already.
struct TransactionReset {};

// Answer(): with kReadyForTls: drop a transaction in progress, flush, forget all input that was read, shake hands, then
// TlsEstablished().
struct StartTlsReceived {
  // Octets that came behind the command, in plain text (RFC 3207, 6: an attack, or a broken client). Next() has
  // consumed them.
  size_t discarded = 0;
};

// Answer() ends the exchange: 235 authenticates; or Challenge() goes on.
struct AuthReceived {
  Auth auth;
};
// The next response of the exchange, decoded. As AuthReceived.
struct AuthResponse {
  base::Secret response;
};
// The client gave up, or its response could not be read. Answered already.
struct AuthAborted {};

// Answer(): as is.
struct VrfyReceived {
  Vrfy vrfy;
};
struct ExpnReceived {
  Expn expn;
};
struct HelpReceived {
  Help help;
};
struct EtrnReceived {
  Etrn etrn;
};

// Answered already: flush and close.
enum class CloseReason : uint8_t {
  kQuit,
  kTooManyErrors,
  kBareLineEnding,      // in a command
  kImproperPipelining,  // content came behind a DATA that was refused, or the options forbid it
  kBadChunk,            // a BDAT whose size cannot be read: nobody knows where the next command starts
  kEndlessLine,
  kShutdown,  // Shutdown(), or a 421 that the session answered
};
struct Close {
  CloseReason reason = CloseReason::kQuit;
};

using Event =
    std::variant<NeedInput, Answered, HelloReceived, MailReceived, RcptReceived, BeginContent, ContentReceived,
                 EndContent, ContentRefused, TransactionReset, StartTlsReceived, AuthReceived, AuthResponse,
                 AuthAborted, VrfyReceived, ExpnReceived, HelpReceived, EtrnReceived, Close>;

}  // namespace mailmesh::smtp::server

#endif  // MAILMESH_COMMON_SMTP_SERVER_EVENT_H_
