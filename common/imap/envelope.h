// The wire form of ENVELOPE. Made once, at delivery, and copied on FETCH.
//
// Strings with 8-bit octets are literals, so that the same form serves clients with and without UTF8=ACCEPT.
// Thread-safety: free functions. RFC 3501, 7.4.2; where it leaves room, as Dovecot.
#ifndef MAILMESH_COMMON_IMAP_ENVELOPE_H_
#define MAILMESH_COMMON_IMAP_ENVELOPE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/mime/address.h"
#include "common/mime/envelope.h"

namespace mailmesh::imap {

// "(date subject from sender reply-to to cc bcc in-reply-to message-id)"
void AppendEnvelope(std::string& out, const mime::Envelope& envelope);
// "((name route mailbox host)...)", or NIL for an empty list.
void AppendAddressList(std::string& out, const std::vector<mime::Address>& addresses);

// In the order of the wire form.
enum class EnvelopeList : uint8_t { kFrom, kSender, kReplyTo, kTo, kCc, kBcc };
// RFC 5256, 3: the mailbox of the first address of a list, empty where there is none. False: `envelope` is none that
// AppendEnvelope makes.
[[nodiscard]] bool FirstMailbox(std::string_view envelope, EnvelopeList list, std::string* mailbox);

}  // namespace mailmesh::imap

#endif  // MAILMESH_COMMON_IMAP_ENVELOPE_H_
