// A key ring on disk that several processes share: seals and opens with it, and sees keys that another process has added.
//
// A record that names a key which is not known makes it read the file again (at most once a second), so that whoever only opens
// need not be told of a rotation. AddKey writes the file; two processes must not add at the same time (one of the keys would be
// lost, and with it nothing but what it has sealed in between): it holds a lock on the file's folder while it adds.
// Thread-safe. Blocks for a file's read at most.
#ifndef MAILMESH_COMMON_SASL_KEY_FILE_H_
#define MAILMESH_COMMON_SASL_KEY_FILE_H_

#include <memory>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/base/secret.h"
#include "common/sasl/secret_box.h"

namespace mailmesh::sasl {

class KeyFile {
 public:
  enum class Missing { kCreate, kError };
  static absl::StatusOr<std::unique_ptr<KeyFile>> Open(std::string path, Missing missing);

  // As SecretBox.
  absl::StatusOr<std::string> Seal(const base::Secret& secret, std::string_view associated_data);
  absl::StatusOr<base::Secret> Open(std::string_view sealed, std::string_view associated_data);
  // The same secret under the newest key; `sealed` itself where it has that key already.
  absl::StatusOr<std::string> Reseal(std::string_view sealed, std::string_view associated_data);

  struct Added {
    std::string name;  // 16 hexadecimal digits
    size_t keys = 0;
  };
  // ResourceExhausted: the ring is full.
  absl::StatusOr<Added> AddKey();

 private:
  KeyFile(std::string path, KeyRing ring)
      : path_(std::move(path)), box_(std::make_shared<const SecretBox>(std::move(ring))) {}
  std::shared_ptr<const SecretBox> box();
  // What the file says now; with kIfOld only if it was not read a moment ago.
  enum class Read { kIfOld, kAlways };
  std::shared_ptr<const SecretBox> Refreshed(Read read);

  const std::string path_;
  absl::Mutex mutex_;
  // Shared with calls that are under way.
  std::shared_ptr<const SecretBox> box_ ABSL_GUARDED_BY(mutex_);
  absl::Time read_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
};

}  // namespace mailmesh::sasl

#endif  // MAILMESH_COMMON_SASL_KEY_FILE_H_
