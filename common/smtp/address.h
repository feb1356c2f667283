// Mailboxes and paths of the envelope.
//
// A Mailbox exists only in a valid state: whatever holds one may put it on the wire. The local part is kept without its
// quoting, so that "joe"@x and joe@x are the same; the domain as it was written. Source routes are read and forgotten
// (RFC 5321, appendix C). What a domain means (IDNA, local or not) is not known here.
// Thread-safety: values and free functions. Never throws on input.
// Limits: AddressOptions. RFC 5321, 4.1.2, 4.1.3, 4.5.3.1; RFC 6531, 3.3.
#ifndef MAILMESH_COMMON_SMTP_ADDRESS_H_
#define MAILMESH_COMMON_SMTP_ADDRESS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mailmesh::smtp {

struct AddressOptions {
  bool utf8 = false;           // RFC 6531: UTF-8 in local part and domain
  size_t max_local_part = 64;  // RFC 5321, 4.5.3.1.1, as written
  size_t max_domain = 255;     // 4.5.3.1.2
  size_t max_path = 256;       // 4.5.3.1.3, with its < and >
};

enum class AddressError : uint8_t {
  kNone,
  kSyntax,
  kLocalPartTooLong,
  kDomainTooLong,
  kPathTooLong,
  kUtf8NotAllowed,  // it would be valid with AddressOptions::utf8
};

class Mailbox {
 public:
  // Only to have one to assign to; not valid.
  Mailbox() = default;

  // From an unquoted local part and a domain (a name or an address literal).
  static std::optional<Mailbox> FromParts(std::string_view local_part, std::string_view domain,
                                          const AddressOptions& options = {});
  // RFC 5321, 4.1.1.3: RCPT TO:<Postmaster>, which has no domain.
  static Mailbox Postmaster();

  const std::string& local_part() const { return local_part_; }  // without quoting
  const std::string& domain() const { return domain_; }          // empty for <postmaster>
  bool is_address_literal() const { return domain_.starts_with('['); }
  // RFC 5321, 4.5.1: the reserved name in any case, at any domain or none.
  bool IsPostmaster() const;
  bool IsAscii() const;

  // "local@domain", quoted only where the local part needs it: safe between < and >.
  std::string ToString() const;
  // As ToString with the domain in lower case (ASCII): equal for equal mailboxes, so good as a key.
  std::string Canonical() const;

  // RFC 5321, 2.4: the local part matters octet by octet, the domain whatever its case.
  bool operator==(const Mailbox& other) const;

 private:
  friend class AddressParser;
  std::string local_part_;
  std::string domain_;
};

// MAIL FROM: absent is the null reverse-path <>.
struct ReversePath {
  std::optional<Mailbox> mailbox;
  bool is_null() const { return !mailbox.has_value(); }
  // With the angle brackets.
  std::string ToString() const;
  bool operator==(const ReversePath&) const = default;
};

// "local@domain" without brackets, all of `text`.
AddressError ParseMailbox(std::string_view text, const AddressOptions& options, Mailbox& out);
// Paths in brackets at the front of `text`; what is behind stays in `text`.
AddressError TakeReversePath(std::string_view& text, const AddressOptions& options, ReversePath& out);
AddressError TakeForwardPath(std::string_view& text, const AddressOptions& options, Mailbox& out);

// Short forms for configuration and tools.
std::optional<Mailbox> ParseMailbox(std::string_view text, const AddressOptions& options = {});

// RFC 5321, 4.1.2 Domain (RFC 6531: with U-labels if `utf8`): labels of letters, digits and hyphens. No final dot.
bool IsDomain(std::string_view text, bool utf8 = false);
// RFC 5321, 4.1.3, with its brackets: [192.0.2.1], [IPv6:2001:db8::1].
bool IsAddressLiteral(std::string_view text);

}  // namespace mailmesh::smtp

#endif  // MAILMESH_COMMON_SMTP_ADDRESS_H_
