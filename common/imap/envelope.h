// The wire form of ENVELOPE. Made once, at delivery, and copied on FETCH.
//
// Strings with 8-bit octets are literals, so that the same form serves clients with and without UTF8=ACCEPT.
// Thread-safety: free functions. RFC 3501, 7.4.2; where it leaves room, as Dovecot.
#ifndef MAILMESH_COMMON_IMAP_ENVELOPE_H_
#define MAILMESH_COMMON_IMAP_ENVELOPE_H_

#include <string>
#include <vector>

#include "common/mime/address.h"
#include "common/mime/envelope.h"

namespace mailmesh::imap {

// "(date subject from sender reply-to to cc bcc in-reply-to message-id)"
void AppendEnvelope(std::string& out, const mime::Envelope& envelope);
// "((name route mailbox host)...)", or NIL for an empty list.
void AppendAddressList(std::string& out, const std::vector<mime::Address>& addresses);

}  // namespace mailmesh::imap

#endif  // MAILMESH_COMMON_IMAP_ENVELOPE_H_
