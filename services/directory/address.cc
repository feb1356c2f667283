#include "services/directory/address.h"

#include <unicase.h>
#include <uninorm.h>

#include <cstdlib>
#include <memory>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/dns/idna.h"
#include "common/smtp/address.h"

namespace mailmesh::directory {
namespace {

struct Free {
  void operator()(uint8_t* memory) const { std::free(memory); }
};

// Unicode's full case folding, then NFC: "STRASSE" and "straße" are one mailbox.
absl::StatusOr<std::string> Fold(std::string_view text) {
  size_t size = 0;
  std::unique_ptr<uint8_t, Free> folded(
      u8_casefold(reinterpret_cast<const uint8_t*>(text.data()), text.size(), nullptr, UNINORM_NFC, nullptr, &size));
  if (folded == nullptr) return absl::InvalidArgumentError("the local part is not UTF-8");
  return std::string(reinterpret_cast<char*>(folded.get()), size);
}

absl::StatusOr<std::string> CanonicalDomain(const smtp::Mailbox& mailbox) {
  if (mailbox.is_address_literal()) return absl::AsciiStrToLower(mailbox.domain());
  if (mailbox.domain().empty()) return std::string();
  return ParseDomain(mailbox.domain());
}

std::string Written(const std::string& local, const std::string& domain) {
  if (local.empty()) return absl::StrCat("@", domain);
  if (domain.empty()) return local;
  smtp::AddressOptions options;
  options.utf8 = true;
  std::optional<smtp::Mailbox> mailbox = smtp::Mailbox::FromParts(local, domain, options);
  return mailbox ? mailbox->ToString() : absl::StrCat(local, "@", domain);
}

}  // namespace

std::string Address::ToString() const { return Written(local, domain); }

std::string Address::Key() const {
  std::string key = domain;
  key.push_back('\0');
  key += local;
  return key;
}

Address Address::FromKey(std::string_view key) {
  Address address;
  size_t at = key.find('\0');
  address.domain = std::string(key.substr(0, at));
  if (at != std::string_view::npos) address.local = std::string(key.substr(at + 1));
  address.wire = address.ToString();
  return address;
}

std::optional<Address> Address::WithoutTag(std::string_view separators) const {
  size_t at = local.find_first_of(separators);
  if (at == std::string::npos || at == 0) return std::nullopt;
  Address base;
  base.local = local.substr(0, at);
  base.domain = domain;
  base.wire = base.ToString();
  return base;
}

Address Address::CatchAllOf(std::string_view domain) {
  Address all;
  all.domain = std::string(domain);
  all.wire = all.ToString();
  return all;
}

absl::Status CheckKeepable(const Address& address) {
  absl::StatusOr<Address> again = ParseAliasAddress(address.ToString());
  if (again.ok() && again->Key() == address.Key()) return absl::OkStatus();
  return absl::InvalidArgumentError("the local part is too long once its case is folded");
}

absl::StatusOr<Address> ParseAddress(std::string_view text) {
  smtp::AddressOptions options;
  options.utf8 = true;
  std::optional<smtp::Mailbox> mailbox;
  // RFC 5321, 4.1.1.3: the one address that may come without a domain.
  if (absl::EqualsIgnoreCase(base::Av(text), "postmaster")) {
    mailbox = smtp::Mailbox::Postmaster();
  } else {
    mailbox = smtp::ParseMailbox(text, options);
  }
  if (!mailbox) return absl::InvalidArgumentError("not an address");
  Address address;
  ASSIGN_OR_RETURN(address.local, Fold(mailbox->local_part()));
  ASSIGN_OR_RETURN(address.domain, CanonicalDomain(*mailbox));
  if (address.local.empty()) return absl::InvalidArgumentError("the local part is empty");
  address.wire = Written(mailbox->local_part(), address.domain);
  return address;
}

absl::StatusOr<Address> ParseAliasAddress(std::string_view text) {
  if (!text.starts_with('@')) return ParseAddress(text);
  Address address;
  ASSIGN_OR_RETURN(address.domain, ParseDomain(text.substr(1)));
  address.wire = address.ToString();
  return address;
}

absl::Status CheckSeparators(std::string_view separators) {
  // RFC 5322, 3.2.3: atext without letters and digits, and the dot of dot-atom.
  constexpr std::string_view kAllowed = "!#$%&*+-./=?^_`{|}~'";
  bool good = separators.size() <= kMaxSeparators && separators.find_first_not_of(kAllowed) == std::string_view::npos;
  if (good) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("subaddress separators are at most ", kMaxSeparators, " of ",
                                                 std::string(kAllowed)));
}

absl::StatusOr<std::string> ParseDomain(std::string_view text) {
  if (!smtp::IsDomain(text, /*utf8=*/true)) return absl::InvalidArgumentError("not a domain");
  return dns::ToAsciiName(text);
}

}  // namespace mailmesh::directory
