// Addresses of any octets: what is taken is one key, however often it goes there and back.
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "services/directory/address.h"

using namespace mailmesh::directory;

namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

bool Same(const Address& a, const Address& b) { return a.local == b.local && a.domain == b.domain && a.Key() == b.Key(); }

void CheckAddress(std::string_view text) {
  absl::StatusOr<Address> address = ParseAddress(text);
  if (!address.ok()) return;
  Require(!address->local.empty());
  Require(address->domain.find('\0') == std::string::npos);
  // What goes to other hosts means the same mailbox.
  absl::StatusOr<Address> wire = ParseAddress(address->wire);
  Require(wire.ok() && Same(*wire, *address));
  // Folding is done when it is done.
  if (CheckKeepable(*address).ok()) {
    absl::StatusOr<Address> again = ParseAddress(address->ToString());
    Require(again.ok() && Same(*again, *address) && again->ToString() == address->ToString());
  }
  Address key = Address::FromKey(address->Key());
  Require(Same(key, *address));
  std::optional<Address> base = address->WithoutTag("+-");
  if (base) Require(base->domain == address->domain && address->local.starts_with(base->local) && !base->local.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  CheckAddress(text);
  (void)ParseAliasAddress(text);
  (void)CheckSeparators(text);
  absl::StatusOr<std::string> domain = ParseDomain(text);
  if (domain.ok()) {
    absl::StatusOr<std::string> again = ParseDomain(*domain);
    Require(again.ok() && *again == *domain);
  }
  return 0;
}
