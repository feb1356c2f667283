// Address lists of header fields (From, To, Cc ...): mailboxes and groups, the obsolete forms included.
//
// Encoded words stay as they are (IMAP's ENVELOPE wants them raw; see encoded_word.h); UTF-8 and other 8-bit octets pass.
// Damage never loses the rest of the list: what cannot be an address is skipped to the next comma.
// Thread-safety: values and free functions. Linear time, no recursion (comments nest by a counter), never throws on input.
// Limits: at most `max_addresses` entries; the rest is left out and `truncated` says so.
// RFC 5322, 3.4 and 4.4; RFC 6532, 3.2; RFC 3501, 7.4.2 (how IMAP shows groups and routes).
#ifndef MAILMESH_COMMON_MIME_ADDRESS_H_
#define MAILMESH_COMMON_MIME_ADDRESS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mailmesh::mime {

// What IMAP shows for halves that are missing, as Dovecot does: NIL there would mean a group.
inline constexpr std::string_view kMissingMailbox = "MISSING_MAILBOX";
inline constexpr std::string_view kMissingDomain = "MISSING_DOMAIN";

struct Address {
  enum class Kind : uint8_t {
    kMailbox,     // name, route, local_part, domain
    kGroupStart,  // local_part is the group's name.     IMAP: (NIL NIL "name" NIL)
    kGroupEnd,    // nothing else set.                   IMAP: (NIL NIL NIL NIL)
  };
  Kind kind = Kind::kMailbox;
  std::optional<std::string> name;   // display name, unquoted; else a comment after the address; absent: neither
  std::optional<std::string> route;  // RFC 5322, 4.4 obs-route without its colon: "@a,@b"
  std::string local_part;            // unquoted
  std::string domain;                // "example.org" or "[192.0.2.1]"

  bool operator==(const Address&) const = default;
};

struct AddressList {
  std::vector<Address> addresses;
  bool truncated = false;  // more than max_addresses
  bool damaged = false;    // something was skipped or missing
};

struct AddressOptions {
  size_t max_addresses = 10000;
  bool fill_missing = false;  // put kMissingMailbox and kMissingDomain for what is missing
};

AddressList ParseAddressList(std::string_view value, const AddressOptions& options = {});

// "local@domain" with the local part quoted where RFC 5322 needs it; what is empty is left out.
std::string FormatAddrSpec(const Address& address);

}  // namespace mailmesh::mime

#endif  // MAILMESH_COMMON_MIME_ADDRESS_H_
