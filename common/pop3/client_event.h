// What ClientMachine tells the session. Values.
#ifndef MAILMESH_COMMON_POP3_CLIENT_EVENT_H_
#define MAILMESH_COMMON_POP3_CLIENT_EVENT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "common/pop3/capability.h"
#include "common/pop3/command.h"
#include "common/pop3/listing.h"
#include "common/pop3/reply.h"

namespace mailmesh::pop3::client {

// Write out output(), then read.
struct NeedInput {};
struct Greeted {
  Reply reply;
  std::optional<std::string> timestamp;  // APOP
};
// A command was answered in one line, or refused: USER PASS APOP AUTH DELE NOOP RSET QUIT UTF8 STLS (refused), or any
// other with -ERR.
struct Replied {
  Verb verb = Verb::kOther;
  MessageNumber number = 0;  // of DELE, RETR, TOP, UIDL n, LIST n
  Reply reply;
};
struct CapaDone {
  Capabilities capabilities;
};
// Shake hands, then TlsEstablished(); CAPA must be asked again (RFC 2595, 4).
struct TlsReady {};
struct AuthChallenged {
  std::string challenge;  // decoded
};
struct StatDone {
  DropListing drop;
};
// Lines of a listing, as they come.
struct ListEntry {
  ScanListing entry;
};
struct UidlEntry {
  UniqueIdListing entry;  // its view is valid until the next call of Next()
};
// A line of a listing that is none; it was skipped.
struct BadListEntry {
  Verb verb = Verb::kOther;
};
struct ListingDone {
  Verb verb = Verb::kOther;  // kList, kUidl
};
// RETR and TOP: the +OK line came, content follows.
struct MessageBegins {
  MessageNumber number = 0;
  Reply reply;
};
// content() has grown.
struct MessageContent {};
// The message is complete; content() may hold its last octets.
struct MessageDone {
  MessageNumber number = 0;
  uint64_t size = 0;
};
// The server broke the protocol or a limit: close.
struct Failed {
  std::string_view what;  // a constant, for the log
};

using Event = std::variant<NeedInput, Greeted, Replied, CapaDone, TlsReady, AuthChallenged, StatDone, ListEntry,
                           UidlEntry, BadListEntry, ListingDone, MessageBegins, MessageContent, MessageDone, Failed>;

}  // namespace mailmesh::pop3::client

#endif  // MAILMESH_COMMON_POP3_CLIENT_EVENT_H_
