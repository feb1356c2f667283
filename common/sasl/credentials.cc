#include "common/sasl/credentials.h"

#include "common/base/random.h"
#include "common/base/status.h"

namespace mailmesh::sasl {

absl::StatusOr<Credentials> MakeCredentials(const base::Secret& password, const CredentialParameters& parameters) {
  Credentials made;
  ASSIGN_OR_RETURN(made.password_hash, HashPassword(password, parameters.argon2));
  ASSIGN_OR_RETURN(made.scram_sha1, DeriveScramKeys(ScramHash::kSha1, password, base::RandomString(kScramSaltOctets),
                                                    parameters.scram_iterations));
  ASSIGN_OR_RETURN(made.scram_sha256, DeriveScramKeys(ScramHash::kSha256, password, base::RandomString(kScramSaltOctets),
                                                      parameters.scram_iterations));
  return made;
}

}  // namespace mailmesh::sasl
