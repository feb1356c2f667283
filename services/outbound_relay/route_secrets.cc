#include "services/outbound_relay/route_secrets.h"

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/dns/idna.h"
#include "common/rpc/status.h"

namespace mailmesh::outbound_relay {
namespace {

// As the directory has it for a route's user.
constexpr size_t kMaxUser = 512;
// Sealed it stays below the directory's limit.
constexpr size_t kMaxPassword = 1024;

absl::Status NoRing() {
  return rpc::MakeError(absl::StatusCode::kFailedPrecondition, type::v1::ERROR_REASON_NOT_ALLOWED,
                        "this relay has no key ring: set key_ring in its configuration");
}

// What a seal is bound to: directory.v1.Route.sealed_password.
absl::StatusOr<std::string> OwnerOf(std::string_view domain, std::string_view user) {
  if (user.empty() || user.size() > kMaxUser || user.find('\0') != std::string_view::npos) {
    return absl::InvalidArgumentError("not a user to log in as");
  }
  // The directory keeps domains in A-labels, whatever an operator wrote.
  absl::StatusOr<std::string> name = dns::ToAsciiName(domain);
  if (!name.ok()) return absl::InvalidArgumentError(absl::StrCat("not a domain: ", name.status().message()));
  const std::string nul(1, '\0');
  return absl::StrCat("route", nul, *name, nul, std::string(user));
}

}  // namespace

absl::StatusOr<RouteSecrets> RouteSecrets::Open(const std::string& key_ring) {
  RouteSecrets secrets;
  if (key_ring.empty()) return secrets;
  ASSIGN_OR_RETURN(secrets.ring_, sasl::KeyFile::Open(key_ring, sasl::KeyFile::Missing::kCreate));
  return secrets;
}

absl::StatusOr<std::string> RouteSecrets::Seal(std::string_view domain, std::string_view user, const base::Secret& password) const {
  if (ring_ == nullptr) return NoRing();
  if (password.empty() || password.Reveal().size() > kMaxPassword || password.Reveal().find('\0') != std::string_view::npos) {
    return absl::InvalidArgumentError(absl::StrCat("a password has 1 to ", kMaxPassword, " octets, none of them NUL"));
  }
  ASSIGN_OR_RETURN(const std::string owner, OwnerOf(domain, user));
  return ring_->Seal(password, owner);
}

absl::StatusOr<base::Secret> RouteSecrets::Open(std::string_view domain, std::string_view user, std::string_view sealed) const {
  if (ring_ == nullptr) return NoRing();
  ASSIGN_OR_RETURN(const std::string owner, OwnerOf(domain, user));
  return ring_->Open(sealed, owner);
}

absl::StatusOr<std::string> RouteSecrets::Reseal(std::string_view domain, std::string_view user, std::string_view sealed) const {
  if (ring_ == nullptr) return NoRing();
  ASSIGN_OR_RETURN(const std::string owner, OwnerOf(domain, user));
  return ring_->Reseal(sealed, owner);
}

absl::StatusOr<sasl::KeyFile::Added> RouteSecrets::AddKey() const {
  if (ring_ == nullptr) return NoRing();
  return ring_->AddKey();
}

}  // namespace mailmesh::outbound_relay
