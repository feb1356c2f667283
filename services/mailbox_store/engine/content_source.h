// The octets of one stored message by offset, wherever they lie: whole contents, chunks, and trace fields put on top.
//
// Thread-safety: belongs to one thread. Memory: one chunk.
#ifndef MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_CONTENT_SOURCE_H_
#define MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_CONTENT_SOURCE_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "services/mailbox_store/engine/read_scope.h"

namespace mailmesh::mailbox_store {

class ContentSource {
 public:
  ContentSource(const ReadScope& scope, const EntryRecord& entry, uint64_t size)
      : scope_(scope), entry_(entry), size_(size) {}

  uint64_t size() const { return size_; }
  uint64_t header_size() const { return entry_.header_size; }

  // Octets from `offset` on, at most `length`, as many as lie together (at least one, unless at the end); valid until the next
  // call.
  absl::StatusOr<std::string_view> Read(uint64_t offset, uint64_t length);
  // All of offset .. offset+length-1; for what is known to be small.
  absl::StatusOr<std::string> ReadAll(uint64_t offset, uint64_t length);

 private:
  absl::StatusOr<std::string_view> Piece(const std::string& key);

  const ReadScope& scope_;
  const EntryRecord entry_;
  const uint64_t size_;
  std::string key_;
  kv::Value value_;
};

}  // namespace mailmesh::mailbox_store

#endif  // MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_CONTENT_SOURCE_H_
