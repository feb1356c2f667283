#include "common/net/buffered_reader.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "common/net/sleep.h"

namespace mailmesh::net {

BufferedReader::BufferedReader(Stream& stream, size_t max_capacity) : stream_(stream), max_capacity_(max_capacity) {}

void BufferedReader::Consume(size_t n) {
  begin_ += std::min(n, end_ - begin_);
  if (begin_ == end_) begin_ = end_ = 0;
}

Awaitable<absl::StatusOr<size_t>> BufferedReader::Fill() {
  if (stream_.Greedy()) co_await Yield();
  for (;;) {
    if (absl::Status status = MakeRoom(); !status.ok()) co_return status;
    std::span<char> room(buffer_.get() + end_, capacity_ - end_);
    if (!empty()) {
      // What is buffered must be kept anyway: read behind it.
      absl::StatusOr<size_t> n = co_await stream_.ReadSome(room);
      if (n.ok()) NoteRead(*n, room.size());
      co_return n;
    }
    absl::StatusOr<std::optional<size_t>> n = stream_.TryRead(room);
    if (!n.ok()) co_return n.status();
    if (n->has_value()) {
      NoteRead(**n, room.size());
      co_return **n;
    }
    ReleaseIfEmpty();
    absl::Status woken = co_await stream_.WaitAfterTry();
    if (!woken.ok()) co_return woken;
  }
}

// Who fills the buffer has more to say: it is then read in few large pieces, each of which costs system calls and a turn of the
// reader's owner. Who says little again gets a small one.
void BufferedReader::NoteRead(size_t octets, size_t room) {
  end_ += octets;
  if (octets == room) {
    next_capacity_ = std::min(max_capacity_, kLargeCapacity);
  } else if (octets < kInitialCapacity / 2) {
    next_capacity_ = kInitialCapacity;
  }
}

Awaitable<absl::StatusOr<WaitResult>> BufferedReader::WaitReadable() {
  if (!empty()) co_return WaitResult::kReadable;
  ReleaseIfEmpty();
  co_return co_await stream_.WaitReadable();
}

size_t BufferedReader::DiscardAll() {
  const size_t discarded = end_ - begin_;
  begin_ = end_ = 0;
  ReleaseIfEmpty();
  return discarded;
}

void BufferedReader::ReleaseIfEmpty() {
  if (!empty()) return;
  buffer_.reset();
  capacity_ = begin_ = end_ = 0;
}

absl::Status BufferedReader::MakeRoom() {
  if (capacity_ < next_capacity_) ReleaseIfEmpty();
  if (end_ < capacity_ && begin_ == 0) return absl::OkStatus();
  const size_t held = end_ - begin_;
  if (held >= max_capacity_) return absl::ResourceExhaustedError("the input buffer is full");
  if (held < capacity_) {
    // Room is at the front.
    if (end_ == capacity_ || begin_ >= capacity_ / 2) {
      std::memmove(buffer_.get(), buffer_.get() + begin_, held);
      begin_ = 0;
      end_ = held;
    }
    return absl::OkStatus();
  }
  const size_t larger = std::min(max_capacity_, std::max(next_capacity_, capacity_ * 2));
  std::unique_ptr<char[]> buffer(new char[larger]);
  if (held > 0) std::memcpy(buffer.get(), buffer_.get() + begin_, held);  // else there may be no buffer yet
  buffer_ = std::move(buffer);
  capacity_ = larger;
  begin_ = 0;
  end_ = held;
  return absl::OkStatus();
}

}  // namespace mailmesh::net
