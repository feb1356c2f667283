// Which names may be looked up, and how they are spelled in the DNS (IDNA 2008, RFC 5891, non-transitional UTS 46).
#ifndef MAILMESH_COMMON_DNS_IDNA_H_
#define MAILMESH_COMMON_DNS_IDNA_H_

#include <absl/status/statusor.h>

#include <string>
#include <string_view>

namespace mailmesh::dns {

// A-labels, lower case, without the final dot. InvalidArgument: empty, a label of 0 or over 63 octets, over 253 in all,
// an octet outside letters, digits, hyphen and underscore (_25._tcp), or U-labels that IDNA does not allow.
absl::StatusOr<std::string> ToAsciiName(std::string_view name);

}  // namespace mailmesh::dns

#endif  // MAILMESH_COMMON_DNS_IDNA_H_
