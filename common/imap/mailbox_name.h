// Mailbox names: their encoding on the wire, the case of INBOX, and what may be created.
//
// Inside the mesh a name is UTF-8 with '/' between its levels, and INBOX (the whole first level) in capitals.
// On the wire it is modified UTF-7, or UTF-8 once UTF8=ACCEPT is enabled.
// Thread-safety: free functions, linear time. Limits: kMaxMailboxNameLength, kMaxMailboxDepth.
// RFC 3501, 5.1 and 5.1.3; RFC 6855, 3; RFC 9051, 5.1.
#ifndef MAILMESH_COMMON_IMAP_MAILBOX_NAME_H_
#define MAILMESH_COMMON_IMAP_MAILBOX_NAME_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace mailmesh::imap {

inline constexpr char kHierarchySeparator = '/';
inline constexpr std::string_view kInbox = "INBOX";
inline constexpr size_t kMaxMailboxNameLength = 1000;  // octets of UTF-8, all levels
inline constexpr size_t kMaxMailboxLevelLength = 255;  // octets of UTF-8, one level: what a Maildir export can hold
inline constexpr size_t kMaxMailboxDepth = 64;         // levels

// Strict: only the one encoding that RFC 3501, 5.1.3 makes of a name is taken. Refused are 8-bit octets and controls,
// printable ASCII in Base64, unpaired surrogates, NUL, bits left over, a shift that is not ended, and two shifts in a row.
absl::StatusOr<std::string> DecodeModifiedUtf7(std::string_view wire);
// `utf8` must be well-formed; what is not becomes U+FFFD.
std::string EncodeModifiedUtf7(std::string_view utf8);

// A name or LIST pattern from the wire, INBOX canonical. `utf8_accept`: it is UTF-8 (and then must be well-formed).
absl::StatusOr<std::string> DecodeMailboxName(std::string_view wire, bool utf8_accept);
// Appends the name as an astring for the wire.
void AppendMailboxName(std::string& out, std::string_view name, bool utf8_accept);

// "inbox" -> "INBOX", "Inbox/x" -> "INBOX/x"; others stay. RFC 3501, 5.1: INBOX in any case is INBOX.
std::string CanonicalMailboxName(std::string_view name);
inline bool IsInbox(std::string_view name) { return name == kInbox; }

// Whether a mailbox of this (decoded, canonical) name may be created: not empty, no empty level, no control characters
// (RFC 9051, 5.1: also U+0080-U+009F, U+2028, U+2029), no % or *, no level "." or "..", within the limits.
// InvalidArgument with a text that may be sent.
absl::Status ValidateMailboxName(std::string_view name);

}  // namespace mailmesh::imap

#endif  // MAILMESH_COMMON_IMAP_MAILBOX_NAME_H_
