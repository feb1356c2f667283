// Seals secrets that must be read back (passwords of remote maildrops and next hops): AES-256-GCM (NIST SP 800-38D) under a
// key of a KeyRing.
//
// A sealed record: version 1 (one octet), name of the key (8), nonce (12, random), ciphertext, tag (16). The record's head
// and the caller's associated data are authenticated: give the account and the job that the secret belongs to, and a record
// that was moved to another's place does not open.
// Limits: 64 KiB of plaintext; with random nonces a key is good for 2^32 records. Thread-safe.
#ifndef MAILMESH_COMMON_SASL_SECRET_BOX_H_
#define MAILMESH_COMMON_SASL_SECRET_BOX_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/base/secret.h"
#include "common/sasl/key_ring.h"

namespace mailmesh::sasl {

class SecretBox {
 public:
  explicit SecretBox(KeyRing ring) : ring_(std::move(ring)) {}

  // With the ring's active key.
  absl::StatusOr<std::string> Seal(const base::Secret& secret, std::string_view associated_data) const;
  // NotFound: the ring has no key of that name; DataLoss: not a sealed record, or changed, or sealed for something else.
  absl::StatusOr<base::Secret> Open(std::string_view sealed, std::string_view associated_data) const;
  // Whether it was sealed with the active key; false: open and seal again.
  bool IsCurrent(std::string_view sealed) const;

 private:
  const KeyRing ring_;
};

}  // namespace mailmesh::sasl

#endif  // MAILMESH_COMMON_SASL_SECRET_BOX_H_
