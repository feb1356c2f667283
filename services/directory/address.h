// Addresses as keys: equal for all ways to write one mailbox of ours.
//
// The domain is compared in A-labels (IDNA 2008), the local part without regard to case or Unicode normal form. RFC 5321, 2.4
// leaves the meaning of a local part to the host that owns it, which for our domains is us; a remote address keeps its
// letters. Thread-safe: no state. Limits: those of smtp::ParseMailbox.
#ifndef MAILMESH_SERVICES_DIRECTORY_ADDRESS_H_
#define MAILMESH_SERVICES_DIRECTORY_ADDRESS_H_

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace mailmesh::directory {

struct Address {
  // Case-folded, NFC, without quoting; empty for a catch-all ("@domain").
  std::string local;
  // A-labels in lower case; "[192.0.2.1]" for a literal; empty for <Postmaster>.
  std::string domain;
  // As it was written, with the domain in A-labels and the local part quoted where it needs it: what goes to other hosts.
  std::string wire;

  // "local@domain", quoted where it needs it.
  std::string ToString() const;
  // domain NUL local: addresses of a domain are neighbours, for no domain has a NUL.
  std::string Key() const;
  static Address FromKey(std::string_view key);

  bool is_postmaster() const { return local == "postmaster"; }
  // "user" of "user+tag", where the first of `separators` in it parts the two; nothing where there is none, or nothing
  // before it.
  std::optional<Address> WithoutTag(std::string_view separators) const;
  Address CatchAll() const { return CatchAllOf(domain); }
  static Address CatchAllOf(std::string_view domain);
};

// InvalidArgument where the address cannot be read back from what is kept of it: folding case may lengthen a local part over
// its limit. For addresses that are to be kept.
absl::Status CheckKeepable(const Address& address);

// InvalidArgument when it is no address.
absl::StatusOr<Address> ParseAddress(std::string_view text);
// The same, and "@domain".
absl::StatusOr<Address> ParseAliasAddress(std::string_view text);
// A-labels, lower case; InvalidArgument.
absl::StatusOr<std::string> ParseDomain(std::string_view text);

// What a domain's record without a setting of its own means.
inline constexpr std::string_view kDefaultSeparators = "+";
// At most kMaxSeparators characters that a local part may have without quoting, and that are neither letters nor digits.
inline constexpr size_t kMaxSeparators = 4;
absl::Status CheckSeparators(std::string_view separators);

}  // namespace mailmesh::directory

#endif  // MAILMESH_SERVICES_DIRECTORY_ADDRESS_H_
