// What a SCRAM server keeps instead of a password (RFC 5802, 2.2 and 3; RFC 7677).
#ifndef MAILMESH_COMMON_SASL_SCRAM_KEYS_H_
#define MAILMESH_COMMON_SASL_SCRAM_KEYS_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/base/secret.h"

namespace mailmesh::sasl {

enum class ScramHash { kSha1, kSha256 };

// RFC 7677, 4: at least 4096. The upper bound is what a client can be asked to spend.
inline constexpr uint32_t kMinScramIterations = 4096;
inline constexpr uint32_t kMaxScramIterations = 1'000'000;
inline constexpr size_t kScramSaltOctets = 16;

// Enough to verify a client and to prove oneself to it, not enough to log in elsewhere. Raw octets.
struct ScramKeys {
  std::string salt;
  uint32_t iterations = 0;
  std::string stored_key;
  // Whoever has it can play the server: as secret as a password hash.
  base::Secret server_key;

  bool empty() const { return stored_key.empty(); }
};

// Octets of a key: 20 or 32.
size_t ScramKeyOctets(ScramHash hash);

// `password` must be prepared (prepare.h). InvalidArgument when iterations are out of bounds or the salt is empty.
absl::StatusOr<ScramKeys> DeriveScramKeys(ScramHash hash, const base::Secret& password, std::string_view salt,
                                          uint32_t iterations);

// Keys for a name that does not exist, always the same for the same name and secret: an attacker who asks twice learns
// nothing, and no password fits them (RFC 5802, 9; architecture of the directory).
ScramKeys DecoyScramKeys(ScramHash hash, const base::Secret& server_secret, std::string_view name, uint32_t iterations);

}  // namespace mailmesh::sasl

#endif  // MAILMESH_COMMON_SASL_SCRAM_KEYS_H_
