// What is kept of a password.
#ifndef MAILMESH_COMMON_SASL_CREDENTIALS_H_
#define MAILMESH_COMMON_SASL_CREDENTIALS_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "common/sasl/password_hash.h"
#include "common/sasl/scram_keys.h"

namespace mailmesh::sasl {

struct Credentials {
  // Whose they are; opaque here, returned with a success.
  std::string account_id;
  // Raised at each change of the password: what was remembered of an older one is worth nothing.
  uint64_t version = 0;
  // password_hash.h; empty: no log-in that shows the password.
  std::string password_hash;
  // Empty where none were derived yet (an imported hash): SCRAM fails as for a wrong password until then.
  ScramKeys scram_sha1;
  ScramKeys scram_sha256;
};

struct CredentialParameters {
  Argon2Parameters argon2;
  uint32_t scram_iterations = 10'000;
};

// Hash and keys of a prepared password, with fresh salts. Takes tens of milliseconds.
absl::StatusOr<Credentials> MakeCredentials(const base::Secret& password, const CredentialParameters& parameters);

}  // namespace mailmesh::sasl

#endif  // MAILMESH_COMMON_SASL_CREDENTIALS_H_
