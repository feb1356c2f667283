#include "common/dns/resolver.h"

#include <absl/strings/cord.h>
#include <absl/strings/str_cat.h>

namespace mailmesh::dns {
namespace {

constexpr char kBogusPayload[] = "mailmesh.dns/bogus";

}  // namespace

bool IsBogus(const absl::Status& status) { return status.GetPayload(kBogusPayload).has_value(); }

absl::Status BogusError(const std::string& why) {
  absl::Status status = absl::UnavailableError(absl::StrCat("DNSSEC validation failed: ", why));
  status.SetPayload(kBogusPayload, absl::Cord("1"));
  return status;
}

}  // namespace mailmesh::dns
