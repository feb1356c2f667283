// The two small records of a message that lie in pages.
//
// MessageRecord (column messages) is hot and changes: SELECT, FLAGS, STATUS and SEARCH on flags read nothing else.
//   varint flags, varint MODSEQ, varint size
// EntryRecord (column entries) never changes:
//   varint zigzag internal date, varint zigzag zone, varint zigzag save date minus internal date, varint instance, 16 octets blob id,
//   varint header size, varint prefix (number of the trace fields before the content; 0: none), varint prefix size
// Thread-safety: values and free functions.
#ifndef MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_MESSAGE_RECORD_H_
#define MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_MESSAGE_RECORD_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "services/mailbox_store/engine/keys.h"

namespace mailmesh::mailbox_store {

// Flags as in mailbox.v1.ViewPage: bits 0..15 SystemFlag, 16.. keywords of the mailbox by index.
using Flags = uint64_t;
inline constexpr Flags kSeen = 1;
inline constexpr Flags kAnswered = 2;
inline constexpr Flags kFlagged = 4;
inline constexpr Flags kDeleted = 8;
inline constexpr Flags kDraft = 16;
inline constexpr Flags kSystemFlags = kSeen | kAnswered | kFlagged | kDeleted | kDraft;
inline constexpr int kFirstKeywordBit = 16;
inline constexpr int kMaxKeywords = 48;

struct MessageRecord {
  Flags flags = 0;
  uint64_t modseq = 0;
  uint64_t size = 0;

  void AppendTo(std::string& out) const;
  std::string Encode() const;
  [[nodiscard]] bool Decode(std::string_view octets);
  bool operator==(const MessageRecord&) const = default;
};

struct EntryRecord {
  int64_t internal_seconds = 0;
  int32_t zone_minutes = 0;
  int64_t save_seconds = 0;
  uint64_t instance = 0;
  BlobId blob{};
  uint64_t header_size = 0;
  // Number of the trace fields that lie apart from the content (0: none), and their size.
  uint32_t prefix = 0;
  uint32_t prefix_size = 0;

  std::string Encode() const;
  [[nodiscard]] bool Decode(std::string_view octets);
  bool operator==(const EntryRecord&) const = default;
};

}  // namespace mailmesh::mailbox_store

#endif  // MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_MESSAGE_RECORD_H_
