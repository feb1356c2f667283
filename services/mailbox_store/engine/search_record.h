// The header fields that SEARCH asks for most, decoded and case-folded when the message is stored, so that a search over a
// mailbox reads some hundred octets a message and decodes nothing.
//
// Octets: varint flags (1: there is a date, 2: something was cut), varint zigzag seconds of the Date field, varint zigzag its
// local day, then kSearchFields texts, each a varint (0: absent, else 1 + length) and octets. A field that occurs several times is joined with '\n'.
// Thread-safety: free functions; views are valid as long as the octets.
#ifndef MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_SEARCH_RECORD_H_
#define MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_SEARCH_RECORD_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mailmesh::mailbox_store {

// Folded text of: subject from to cc bcc; as written: message-id in-reply-to references.
enum SearchField : size_t {
  kSubject,
  kFrom,
  kTo,
  kCc,
  kBcc,
  kMessageId,
  kInReplyTo,
  kReferences,
  kSearchFields,
};

// Octets of one field that are kept.
inline constexpr size_t kMaxSearchText = 8192;

struct SearchRecord {
  bool has_date = false;
  bool cut = false;
  int64_t sent_seconds = 0;
  int64_t sent_day = 0;
  std::array<std::string_view, kSearchFields> texts;
  // Whether the field was there at all; an absent one has no text.
  std::array<bool, kSearchFields> present{};

  // Of a field that occurs several times: the first.
  std::string_view First(SearchField field) const { return texts[field].substr(0, texts[field].find('\n')); }
  // Something was cut, and it may have been of this field.
  bool IsCut(SearchField field) const { return cut && texts[field].size() >= kMaxSearchText; }
};

std::string MakeSearchRecord(std::string_view header_block);
[[nodiscard]] bool DecodeSearchRecord(std::string_view octets, SearchRecord* record);
// The field of that name, in any case.
std::optional<SearchField> SearchFieldByName(std::string_view name);

}  // namespace mailmesh::mailbox_store

#endif  // MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_SEARCH_RECORD_H_
