#include "common/kv/free_space_guard.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "common/base/file.h"
#include "common/kv/folder_copy.h"
#include "common/kv/status.h"
#include "common/telemetry/log.h"

namespace mailmesh::kv {
namespace {

constexpr char kBallastName[] = "/ballast";
// The log and, before long, a flush or a blob file: each octet is written twice.
constexpr int64_t kOctetsPerOctet = 2;

void LogChange(bool low, uint64_t free_bytes) {
  if (low) {
    telemetry::Error("free space is below the floor: what grows is refused", {{"free_bytes", free_bytes}});
  } else {
    telemetry::Info("free space is above the floor again", {{"free_bytes", free_bytes}});
  }
}

}  // namespace

FreeSpaceGuard::FreeSpaceGuard(Options options) : options_(std::move(options)), ballast_path_(options_.folder + kBallastName) {
  base::MakeDirectories(options_.folder).IgnoreError();  // opening the database reports it
  if (!options_.free_bytes) {
    options_.free_bytes = [folder = options_.folder] { return FreeSpace(folder); };
  }
  if (!options_.on_change) options_.on_change = LogChange;
  ballast_ = base::FileExists(ballast_path_);
  Look();
  thread_ = std::thread([this] { Loop(); });
}

FreeSpaceGuard::~FreeSpaceGuard() {
  {
    absl::MutexLock lock(&mutex_);
    stop_ = true;
  }
  thread_.join();
}

absl::Status FreeSpaceGuard::Admit(uint64_t octets) {
  if (low()) return DiskFullError("refused");
  const int64_t cost = static_cast<int64_t>(octets) * kOctetsPerOctet;
  if (room_.fetch_sub(cost, std::memory_order_relaxed) < cost) {
    room_.fetch_add(cost, std::memory_order_relaxed);
    return DiskFullError("refused");
  }
  return absl::OkStatus();
}

void FreeSpaceGuard::Loop() {
  absl::MutexLock lock(&mutex_);
  while (!mutex_.AwaitWithTimeout(absl::Condition(&stop_), absl::FromChrono(options_.interval))) {
    mutex_.Unlock();
    Look();
    mutex_.Lock();
  }
}

void FreeSpaceGuard::Look() {
  absl::MutexLock lock(&looking_);
  const absl::StatusOr<uint64_t> free = options_.free_bytes();
  // Not knowing is no reason to refuse mail: what is really wrong shows at the next write.
  if (!free.ok()) return;
  free_.store(*free, std::memory_order_relaxed);
  // Some hysteresis, so that a floor that is just touched does not flap.
  const uint64_t back_at = options_.floor_bytes + options_.floor_bytes / 16;
  const bool was_low = low();
  const bool is_low = *free < (was_low ? back_at : options_.floor_bytes);
  room_.store(is_low ? 0 : static_cast<int64_t>(*free - options_.floor_bytes), std::memory_order_relaxed);
  low_.store(is_low, std::memory_order_relaxed);
  if (ballast_ && *free < options_.floor_bytes / 2) {
    GiveBallastUp();
  } else if (!ballast_ && options_.ballast_bytes > 0 && *free > back_at + 2 * options_.ballast_bytes) {
    MakeBallast();
  }
  if (is_low != was_low) options_.on_change(is_low, *free);
}

void FreeSpaceGuard::GiveBallastUp() {
  if (::unlink(ballast_path_.c_str()) == 0 || errno == ENOENT) ballast_ = false;
}

void FreeSpaceGuard::MakeBallast() {
  const int fd = ::open(ballast_path_.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  if (fd < 0) return;
  const bool made = ::posix_fallocate(fd, 0, static_cast<off_t>(options_.ballast_bytes)) == 0;
  ::close(fd);
  if (made) {
    ballast_ = true;
  } else {
    ::unlink(ballast_path_.c_str());
  }
}

}  // namespace mailmesh::kv
