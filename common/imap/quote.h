// Strings as IMAP writes them: atom, quoted, literal, NIL.
//
// Thread-safety: free functions that append. A NUL cannot be said in IMAP's strings but in literal8: it is written as
// 0x80, as Dovecot does (AppendLiteral8 keeps it).
// RFC 3501, 4.3 and 9 (string, astring, nstring); RFC 6855, 3 (8-bit octets in quoted strings under UTF8=ACCEPT).
#ifndef MAILMESH_COMMON_IMAP_QUOTE_H_
#define MAILMESH_COMMON_IMAP_QUOTE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mailmesh::imap {

// Quoted where that is possible, else a literal: for CR, LF, NUL, 8-bit octets (unless `utf8_accept` and they are UTF-8),
// and for more than four characters that need a backslash.
void AppendString(std::string& out, std::string_view text, bool utf8_accept = false);
// NIL when absent.
void AppendNString(std::string& out, const std::optional<std::string>& text, bool utf8_accept = false);
// An atom where that is possible, else as AppendString. For mailbox names and the like, never for "NIL".
void AppendAString(std::string& out, std::string_view text, bool utf8_accept = false);
// Always a literal: "{5}CRLFhello".
void AppendLiteral(std::string& out, std::string_view octets);
// The head only, "{5}CRLF" or "~{5}CRLF": the octets follow by another way.
void AppendLiteralHead(std::string& out, uint64_t size, bool binary = false);

// Whether the text can stand as atom / astring without quotes.
bool IsAtom(std::string_view text);
bool IsAStringAtom(std::string_view text);

}  // namespace mailmesh::imap

#endif  // MAILMESH_COMMON_IMAP_QUOTE_H_
