#include "common/sasl/prepare.h"

#include <idn-free.h>
#include <openssl/crypto.h>
#include <stringprep.h>

#include <cstring>
#include <string>

namespace mailmesh::sasl {

absl::StatusOr<base::Secret> PreparePassword(std::string_view password) {
  if (password.empty()) return absl::InvalidArgumentError("the password is empty");
  if (password.size() > kMaxPasswordOctets) return absl::InvalidArgumentError("the password is too long");
  if (password.find('\0') != std::string_view::npos) return absl::InvalidArgumentError("the password has a NUL in it");
  base::Secret terminated{std::string(password)};
  char* out = nullptr;
  // Not gsasl_saslprep: 2.2.0 has the meaning of its flag for unassigned code points turned round.
  int rc = stringprep_profile(terminated.Reveal().data(), &out, "SASLprep", static_cast<Stringprep_profile_flags>(0));
  if (rc == STRINGPREP_MALLOC_ERROR) return absl::ResourceExhaustedError("SASLprep: no memory");
  if (rc != STRINGPREP_OK || out == nullptr) {
    return absl::InvalidArgumentError("the password has characters that SASLprep (RFC 4013) prohibits, or is not UTF-8");
  }
  std::string prepared(out);
  OPENSSL_cleanse(out, std::strlen(out));
  idn_free(out);
  // RFC 4013, 2.1 maps some characters to nothing: what is left may be nothing.
  if (prepared.empty()) return absl::InvalidArgumentError("nothing is left of the password after SASLprep");
  return base::Secret(std::move(prepared));
}

}  // namespace mailmesh::sasl
