// A small input buffer in front of a Stream, which is given back while the peer is silent.
//
// Flow: for (;;) { parser.Feed(reader.data()) -> reader.Consume(n); if it needs more: co_await reader.Fill(); }
// Thread-safety: as Stream. Views from data() are valid until the next Fill(), DiscardAll() or ReleaseIfEmpty();
// Consume() keeps them.
#ifndef MAILMESH_COMMON_NET_BUFFERED_READER_H_
#define MAILMESH_COMMON_NET_BUFFERED_READER_H_

#include <absl/status/statusor.h>

#include <cstddef>
#include <memory>
#include <string_view>

#include "common/net/stream.h"

namespace mailmesh::net {

class BufferedReader {
 public:
  static constexpr size_t kInitialCapacity = 16 * 1024;
  // What is read at once from a peer that sends much.
  static constexpr size_t kLargeCapacity = 64 * 1024;

  // `stream` is borrowed. `max_capacity` bounds what may lie here unconsumed.
  explicit BufferedReader(Stream& stream, size_t max_capacity = 64 * 1024);

  // Unconsumed octets.
  std::string_view data() const { return {buffer_.get() + begin_, end_ - begin_}; }
  bool empty() const { return begin_ == end_; }
  void Consume(size_t n);

  // Adds what the peer sent; the number of new octets, 0 at the end of input. ResourceExhausted when max_capacity
  // octets wait already. With nothing buffered, it waits without holding memory.
  Awaitable<absl::StatusOr<size_t>> Fill();
  // kReadable at once when something is buffered; else Stream::WaitReadable() without holding memory.
  Awaitable<absl::StatusOr<WaitResult>> WaitReadable();

  // RFC 3207, 4.2 and its like: forget what came in plain text before TLS starts. How many octets that were.
  size_t DiscardAll();
  void ReleaseIfEmpty();
  size_t capacity() const { return capacity_; }

 private:
  absl::Status MakeRoom();
  void NoteRead(size_t octets, size_t room);

  Stream& stream_;
  const size_t max_capacity_;
  std::unique_ptr<char[]> buffer_;
  size_t capacity_ = 0;
  size_t next_capacity_ = kInitialCapacity;  // of the next buffer
  size_t begin_ = 0;
  size_t end_ = 0;
};

}  // namespace mailmesh::net

#endif  // MAILMESH_COMMON_NET_BUFFERED_READER_H_
