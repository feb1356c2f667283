// The keys that seal secrets, in a file that only their owner reads.
//
// Several keys, each with a name; the last one seals, all of them open. To rotate: AddKey, Save, seal again what is not
// sealed with the active key (SecretBox::IsCurrent), then drop the old key.
//
// File: "mailmesh-key-ring 1", then one line a key: name (16 hex digits), key (32 octets in base64), seconds since 1970.
// Immutable once loaded, apart from AddKey; thread-safe as long as nobody adds.
#ifndef MAILMESH_COMMON_SASL_KEY_RING_H_
#define MAILMESH_COMMON_SASL_KEY_RING_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/clock.h"
#include "common/base/secret.h"

namespace mailmesh::sasl {

class KeyRing {
 public:
  static constexpr size_t kKeyOctets = 32;
  static constexpr size_t kNameOctets = 8;
  static constexpr size_t kMaxKeys = 1000;

  struct Key {
    // Raw octets; not secret.
    std::string name;
    base::Secret key;
    int64_t created_seconds = 0;
  };

  // A ring of one fresh key, in memory.
  static KeyRing Generate(const base::Clock& clock = base::Clock::Real());
  // NotFound; PermissionDenied when others than owner and group may read it; DataLoss when it is not a key ring.
  static absl::StatusOr<KeyRing> Load(const std::string& path);
  // Loads it, or makes it with mode 0600 if it is not there. Two processes that do so at once get the same ring.
  static absl::StatusOr<KeyRing> LoadOrCreate(const std::string& path, const base::Clock& clock = base::Clock::Real());

  // Adds a fresh key, which seals from now on. Not durable before Save.
  void AddKey(const base::Clock& clock = base::Clock::Real());
  // Replaces the file, durably.
  absl::Status Save(const std::string& path) const;

  const Key& active() const { return keys_.back(); }
  // Null when there is none of this name. Valid as long as the ring is not changed.
  const Key* Find(std::string_view name) const;
  const std::vector<Key>& keys() const { return keys_; }

 private:
  KeyRing() = default;
  static absl::StatusOr<KeyRing> Parse(std::string_view text);
  base::Secret Text() const;
  void Append(std::string_view name, base::Secret key, int64_t created_seconds);

  std::vector<Key> keys_;
};

}  // namespace mailmesh::sasl

#endif  // MAILMESH_COMMON_SASL_KEY_RING_H_
