#include "common/sasl/key_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/base/bytes.h"
#include "common/base/status.h"

namespace mailmesh::sasl {
namespace {

constexpr absl::Duration kReadAgainAfter = absl::Seconds(1);

// Excludes other processes that add a key: held on the folder, for the file itself is replaced.
class FolderLock {
 public:
  explicit FolderLock(const std::string& path) {
    const size_t slash = path.rfind('/');
    const std::string folder = slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
    fd_ = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd_ < 0 || flock(fd_, LOCK_EX) != 0) status_ = base::ErrnoStatus(errno, absl::StrCat("cannot lock ", folder));
  }
  ~FolderLock() {
    if (fd_ >= 0) close(fd_);
  }
  const absl::Status& status() const { return status_; }

 private:
  int fd_ = -1;
  absl::Status status_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<KeyFile>> KeyFile::Open(std::string path, Missing missing) {
  absl::StatusOr<KeyRing> ring = missing == Missing::kCreate ? KeyRing::LoadOrCreate(path) : KeyRing::Load(path);
  if (!ring.ok()) return ring.status();
  return std::unique_ptr<KeyFile>(new KeyFile(std::move(path), *std::move(ring)));
}

std::shared_ptr<const SecretBox> KeyFile::box() {
  absl::MutexLock lock(&mutex_);
  return box_;
}

std::shared_ptr<const SecretBox> KeyFile::Refreshed(Read read) {
  absl::MutexLock lock(&mutex_);
  const absl::Time now = absl::Now();
  if (read == Read::kIfOld && now - read_ < kReadAgainAfter && now >= read_) return box_;
  read_ = now;
  // A file that cannot be read now leaves what is known.
  if (absl::StatusOr<KeyRing> ring = KeyRing::Load(path_); ring.ok()) {
    box_ = std::make_shared<const SecretBox>(*std::move(ring));
  }
  return box_;
}

absl::StatusOr<std::string> KeyFile::Seal(const base::Secret& secret, std::string_view associated_data) {
  return box()->Seal(secret, associated_data);
}

absl::StatusOr<base::Secret> KeyFile::Open(std::string_view sealed, std::string_view associated_data) {
  absl::StatusOr<base::Secret> opened = box()->Open(sealed, associated_data);
  if (!absl::IsNotFound(opened.status())) return opened;
  return Refreshed(Read::kIfOld)->Open(sealed, associated_data);
}

absl::StatusOr<std::string> KeyFile::Reseal(std::string_view sealed, std::string_view associated_data) {
  // Another process may have added the key that is the newest now, a moment ago.
  const std::shared_ptr<const SecretBox> newest = Refreshed(Read::kAlways);
  absl::StatusOr<base::Secret> opened = newest->Open(sealed, associated_data);
  if (!opened.ok()) return opened.status();
  if (newest->IsCurrent(sealed)) return std::string(sealed);
  return newest->Seal(*opened, associated_data);
}

absl::StatusOr<KeyFile::Added> KeyFile::AddKey() {
  const FolderLock folder(path_);
  RETURN_IF_ERROR(folder.status());
  absl::StatusOr<KeyRing> ring = KeyRing::Load(path_);
  if (!ring.ok()) return ring.status();
  if (ring->keys().size() >= KeyRing::kMaxKeys) return absl::ResourceExhaustedError("the key ring is full");
  ring->AddKey();
  RETURN_IF_ERROR(ring->Save(path_));
  Added added{base::HexEncode(ring->active().name), ring->keys().size()};
  absl::MutexLock lock(&mutex_);
  box_ = std::make_shared<const SecretBox>(*std::move(ring));
  return added;
}

}  // namespace mailmesh::sasl
