// SASLprep (RFC 4013): one form for passwords that look alike, so that a key derived on one machine fits another's typing.
#ifndef MAILMESH_COMMON_SASL_PREPARE_H_
#define MAILMESH_COMMON_SASL_PREPARE_H_

#include <string_view>

#include "absl/status/statusor.h"
#include "common/base/secret.h"

namespace mailmesh::sasl {

// Octets of UTF-8 that a password may have.
inline constexpr size_t kMaxPasswordOctets = 1024;

// InvalidArgument (without the password in its text): empty, too long, not UTF-8, a NUL or another prohibited character.
//
// RFC 4013, 2.5 (deviation): code points unassigned in Unicode 3.2 are allowed, as in RFC 8265, or a password could not
// have an emoji in it. Normalisation is stable for them in both directions.
absl::StatusOr<base::Secret> PreparePassword(std::string_view password);

}  // namespace mailmesh::sasl

#endif  // MAILMESH_COMMON_SASL_PREPARE_H_
