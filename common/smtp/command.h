// The commands of SMTP and LMTP as values. Thread-safe values.
//
// What must never reach a log is a base::Secret, by type.
// RFC 5321, 4.1.1; RFC 2033; RFC 3030; RFC 3207; RFC 4954; RFC 1985.
#ifndef MAILMESH_COMMON_SMTP_COMMAND_H_
#define MAILMESH_COMMON_SMTP_COMMAND_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "common/base/secret.h"
#include "common/smtp/address.h"
#include "common/smtp/dsn.h"

namespace mailmesh::smtp {

// kOther is whatever we do not know: a closed set, fit for a metric's label.
enum class Verb : uint8_t {
  kHelo,
  kEhlo,
  kLhlo,
  kMail,
  kRcpt,
  kData,
  kBdat,
  kRset,
  kNoop,
  kQuit,
  kVrfy,
  kExpn,
  kHelp,
  kEtrn,
  kStartTls,
  kAuth,
  kOther
};
// As on the wire: "MAIL"; "other" for kOther.
std::string_view VerbName(Verb verb);

// RFC 6152, 2; RFC 3030, 3.
enum class Body : uint8_t { k7Bit, k8BitMime, kBinaryMime };

// HELO, EHLO and LHLO.
struct Hello {
  Verb verb = Verb::kEhlo;
  std::string name;
  // A domain (underscores forgiven) or an address literal. RFC 5321, 4.1.4 lets a server not refuse mail for it.
  bool well_formed = true;
};

struct Mail {
  ReversePath reverse_path;
  std::optional<uint64_t> size;      // RFC 1870
  std::optional<Body> body;          // RFC 6152
  bool smtputf8 = false;             // RFC 6531
  bool require_tls = false;          // RFC 8689
  std::optional<Ret> ret;            // RFC 3461
  std::optional<std::string> envid;  // RFC 3461, decoded
  // RFC 4954, 5, decoded: a null path is AUTH=<>.
  std::optional<ReversePath> auth;
};

struct Rcpt {
  Mailbox forward_path;  // <postmaster> has no domain
  Notify notify;         // RFC 3461
  std::optional<OriginalRecipient> orcpt;
};

struct Data {};
struct Bdat {
  uint64_t size = 0;
  bool last = false;
};
struct Rset {};
struct Noop {};
struct Quit {};
struct Vrfy {
  std::string argument;
  bool smtputf8 = false;  // RFC 6531, 3.7.4.2
};
struct Expn {
  std::string argument;
  bool smtputf8 = false;
};
struct Help {
  std::string argument;
};
struct Etrn {
  std::string argument;
};
struct StartTls {};
struct Auth {
  std::string mechanism;  // upper case
  // Decoded. RFC 4954, 4: absent is not the same as empty ("=").
  std::optional<base::Secret> initial_response;
};

using Command = std::variant<Hello, Mail, Rcpt, Data, Bdat, Rset, Noop, Quit, Vrfy, Expn, Help, Etrn, StartTls, Auth>;

}  // namespace mailmesh::smtp

#endif  // MAILMESH_COMMON_SMTP_COMMAND_H_
