#include "services/mailbox_store/engine/content_source.h"

#include <algorithm>

#include "common/base/status.h"
#include "services/mailbox_store/engine/errors.h"

namespace mailmesh::mailbox_store {

absl::StatusOr<std::string_view> ContentSource::Piece(const std::string& key) {
  if (key != key_) {
    key_.clear();
    ASSIGN_OR_RETURN(const bool found, scope_.Get(ColumnId::kBlobs, key, &value_));
    if (!found) return Damaged("content of a message is missing");
    key_ = key;
  }
  return value_.view();
}

absl::StatusOr<std::string_view> ContentSource::Read(uint64_t offset, uint64_t length) {
  if (offset >= size_ || length == 0) return std::string_view();
  std::string_view piece;
  uint64_t within = offset;
  if (offset < entry_.prefix_size) {
    ASSIGN_OR_RETURN(piece, Piece(keys::BlobPrefix(entry_.blob, entry_.prefix)));
  } else {
    const uint64_t at = offset - entry_.prefix_size;
    within = at % kChunkSize;
    ASSIGN_OR_RETURN(piece, Piece(keys::BlobChunk(entry_.blob, static_cast<uint32_t>(at / kChunkSize))));
  }
  if (within >= piece.size()) return Damaged("content of a message is too short");
  return piece.substr(within, length);
}

absl::StatusOr<std::string> ContentSource::ReadAll(uint64_t offset, uint64_t length) {
  std::string octets;
  const uint64_t end = std::min(size_, offset + length);
  while (offset < end) {
    ASSIGN_OR_RETURN(const std::string_view piece, Read(offset, end - offset));
    octets.append(piece);
    offset += piece.size();
  }
  return octets;
}

}  // namespace mailmesh::mailbox_store
