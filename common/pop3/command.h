// The commands of POP3 as values. Thread-safe values.
//
// What must never reach a log is a base::Secret, by type.
// RFC 1939; RFC 2449; RFC 2595; RFC 5034; RFC 6856.
#ifndef MAILMESH_COMMON_POP3_COMMAND_H_
#define MAILMESH_COMMON_POP3_COMMAND_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "common/base/secret.h"

namespace mailmesh::pop3 {

// kOther is whatever we do not know: a closed set, fit for a metric's label.
enum class Verb : uint8_t {
  kUser,
  kPass,
  kApop,
  kStat,
  kList,
  kRetr,
  kDele,
  kNoop,
  kRset,
  kQuit,
  kTop,
  kUidl,
  kCapa,
  kStls,
  kAuth,
  kUtf8,
  kLang,
  kOther
};
std::string_view VerbName(Verb verb);

// RFC 1939, 4: messages are numbered from 1. A number that no maildrop can have parses as kNoSuchNumber.
using MessageNumber = uint32_t;
inline constexpr MessageNumber kNoSuchNumber = UINT32_MAX;

struct User {
  std::string name;
};
struct Pass {
  base::Secret password;
};
struct Apop {
  std::string name;
  base::Secret digest;
};
struct Stat {};
struct List {
  std::optional<MessageNumber> number;
};
struct Retr {
  MessageNumber number = 0;
};
struct Dele {
  MessageNumber number = 0;
};
struct Noop {};
struct Rset {};
struct Quit {};
struct Top {
  MessageNumber number = 0;
  uint32_t lines = 0;
};
struct Uidl {
  std::optional<MessageNumber> number;
};
struct Capa {};
struct Stls {};
struct Auth {
  std::string mechanism;  // upper case; empty: the client asks for the list (before RFC 5034)
  // Decoded; absent is not the same as empty ("=").
  std::optional<base::Secret> initial_response;
};
struct Utf8 {};
struct Lang {
  std::string tag;  // empty: list them; "*": the server's choice
};

using Command =
    std::variant<User, Pass, Apop, Stat, List, Retr, Dele, Noop, Rset, Quit, Top, Uidl, Capa, Stls, Auth, Utf8, Lang>;

}  // namespace mailmesh::pop3

#endif  // MAILMESH_COMMON_POP3_COMMAND_H_
