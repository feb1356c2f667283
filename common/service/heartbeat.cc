#include "common/service/heartbeat.h"

#include <pthread.h>

#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <atomic>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/net/io_pool.h"

namespace mailmesh::service {

struct Heartbeat::Lane {
  // When the beat that waits was sent, in nanoseconds; 0 when none waits.
  std::atomic<int64_t> sent{0};
};

Heartbeat::Heartbeat(net::IoPool& io, absl::Duration interval, absl::Duration patience, std::function<void()> on_beat)
    : io_(io), interval_(interval), patience_(patience), on_beat_(std::move(on_beat)) {
  for (size_t i = 0; i < io_.size(); ++i) lanes_.push_back(std::make_shared<Lane>());
  thread_ = std::thread([this] {
    pthread_setname_np(pthread_self(), "heartbeat");
    Loop();
  });
}

Heartbeat::~Heartbeat() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  thread_.join();
}

void Heartbeat::Loop() {
  absl::MutexLock lock(&mutex_);
  while (!stopping_) {
    mutex_.Unlock();
    Beat();
    if (on_beat_ && Check().ok()) on_beat_();
    mutex_.Lock();
    mutex_.AwaitWithTimeout(absl::Condition(&stopping_), interval_);
  }
}

void Heartbeat::Beat() {
  for (size_t i = 0; i < lanes_.size(); ++i) {
    std::shared_ptr<Lane> lane = lanes_[i];
    int64_t none = 0;
    if (!lane->sent.compare_exchange_strong(none, absl::GetCurrentTimeNanos())) continue;
    asio::post(io_.at(i), [lane] { lane->sent = 0; });
  }
}

absl::Status Heartbeat::Check() const {
  const int64_t now = absl::GetCurrentTimeNanos();
  for (size_t i = 0; i < lanes_.size(); ++i) {
    const int64_t sent = lanes_[i]->sent;
    if (sent != 0 && absl::Nanoseconds(now - sent) > patience_) {
      return absl::UnavailableError(absl::StrCat("I/O thread ", i, " has not answered for ",
                                                 absl::ToInt64Seconds(absl::Nanoseconds(now - sent)), " s"));
    }
  }
  return absl::OkStatus();
}

}  // namespace mailmesh::service
