// Password hashes: Argon2id of our own making (RFC 9106), and those of others that accounts were imported with.
//
// A hash comes from a database or an import, never from a client; still its parameters are bounded before they are used,
// for they say how much memory and time a log-in costs. Verifying takes 1 ms to 2 s: run it on a worker pool.
// Thread-safe: no state.
#ifndef MAILMESH_COMMON_SASL_PASSWORD_HASH_H_
#define MAILMESH_COMMON_SASL_PASSWORD_HASH_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/secret.h"

namespace mailmesh::sasl {

struct Argon2Parameters {
  uint32_t memory_kib = 19'456;
  uint32_t passes = 2;
  uint32_t lanes = 1;
};

// Bounds of any Argon2 hash that is verified or made: 1 GiB, and 2 GiB of memory written in all (about 1.5 s).
inline constexpr uint32_t kMaxArgon2MemoryKib = 1u << 20;
inline constexpr uint32_t kMaxArgon2Passes = 100;
inline constexpr uint32_t kMaxArgon2Lanes = 16;
inline constexpr uint64_t kMaxArgon2TotalKib = 2u << 20;

absl::Status CheckArgon2Parameters(const Argon2Parameters& parameters);

// "$argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>", with a fresh salt.
absl::StatusOr<std::string> HashPassword(const base::Secret& password, const Argon2Parameters& parameters);

// By the hash's prefix; a closed set, for the label of a metric.
enum class Scheme { kArgon2, kYescrypt, kScrypt, kBcrypt, kSha512Crypt, kSha256Crypt, kMd5Crypt, kUnknown };
Scheme SchemeOf(std::string_view hash);
std::string_view SchemeName(Scheme scheme);

// Whether Verify would take the hash: a scheme we know, well-formed, parameters within bounds. InvalidArgument says what is
// wrong with it.
absl::Status CheckImportable(std::string_view hash);

// The hash as it is to be kept: without the scheme that Dovecot writes before it ({CRYPT}, {SHA512-CRYPT}, {SHA256-CRYPT},
// {MD5-CRYPT}, {BLF-CRYPT}, {ARGON2ID}, {ARGON2I}), and importable. InvalidArgument.
absl::StatusOr<std::string> ImportHash(std::string_view text);

// Whether the password fits. An error is a fault of the hash or of the machine (no memory), never a wrong password.
absl::StatusOr<bool> VerifyPassword(std::string_view hash, const base::Secret& password);

// True when the hash is not Argon2id with these parameters: to be replaced at the next log-in that shows the password.
bool NeedsRehash(std::string_view hash, const Argon2Parameters& parameters);

}  // namespace mailmesh::sasl

#endif  // MAILMESH_COMMON_SASL_PASSWORD_HASH_H_
