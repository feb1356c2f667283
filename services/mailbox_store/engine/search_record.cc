#include "services/mailbox_store/engine/search_record.h"

#include "common/kv/page_merge.h"
#include "common/mime/date.h"
#include "common/mime/encoded_word.h"
#include "common/mime/header.h"
#include "common/text/casefold.h"
#include "common/text/utf8_repair.h"

namespace mailmesh::mailbox_store {
namespace {

constexpr uint64_t kHasDate = 1;
constexpr uint64_t kCut = 2;

constexpr std::array<std::string_view, kSearchFields> kNames = {"Subject", "From",       "To",          "Cc",
                                                                "Bcc",     "Message-ID", "In-Reply-To", "References"};

uint64_t ZigZag(int64_t value) { return (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63); }
int64_t UnZigZag(uint64_t value) { return static_cast<int64_t>(value >> 1) ^ -static_cast<int64_t>(value & 1); }

bool IsId(size_t field) { return field >= kMessageId; }

}  // namespace

std::optional<SearchField> SearchFieldByName(std::string_view name) {
  for (size_t i = 0; i < kSearchFields; ++i) {
    if (mime::NameEquals(name, kNames[i])) return static_cast<SearchField>(i);
  }
  return std::nullopt;
}

std::string MakeSearchRecord(std::string_view header_block) {
  std::array<std::string, kSearchFields> texts;
  std::array<bool, kSearchFields> present{};
  std::optional<mime::DateTime> date;
  bool date_seen = false;
  uint64_t flags = 0;
  mime::HeaderReader reader(header_block);
  mime::HeaderField field;
  while (reader.Next(&field)) {
    if (!field.has_colon) continue;
    if (!date_seen && mime::NameEquals(field.name, "Date")) {
      date = mime::ParseDateTime(field.value);
      date_seen = true;
    }
    const std::optional<SearchField> known = SearchFieldByName(field.name);
    if (!known) continue;
    std::string& text = texts[*known];
    if (present[*known]) text.push_back('\n');
    present[*known] = true;
    std::string decoded = IsId(*known) ? text::RepairUtf8(mime::HeaderText(field.value)) : mime::DecodeHeaderText(field.value);
    if (text.size() + decoded.size() > kMaxSearchText) {
      flags |= kCut;
      decoded.resize(kMaxSearchText - std::min(kMaxSearchText, text.size()));
    }
    if (IsId(*known)) {
      text.append(decoded);
    } else {
      text::AppendFolded(decoded, &text);
    }
  }
  if (date) flags |= kHasDate;
  std::string out;
  kv::AppendVarint(out, flags);
  kv::AppendVarint(out, date ? ZigZag(date->unix_seconds) : 0);
  kv::AppendVarint(out, date ? ZigZag(date->LocalDay()) : 0);
  for (size_t i = 0; i < kSearchFields; ++i) {
    // 0: absent; else 1 + length.
    kv::AppendVarint(out, present[i] ? texts[i].size() + 1 : 0);
    out.append(texts[i]);
  }
  return out;
}

bool DecodeSearchRecord(std::string_view octets, SearchRecord* record) {
  const auto flags = kv::TakeVarint(octets);
  const auto seconds = flags ? kv::TakeVarint(octets) : std::nullopt;
  const auto day = seconds ? kv::TakeVarint(octets) : std::nullopt;
  if (!day) return false;
  record->has_date = (*flags & kHasDate) != 0;
  record->cut = (*flags & kCut) != 0;
  record->sent_seconds = UnZigZag(*seconds);
  record->sent_day = UnZigZag(*day);
  for (size_t i = 0; i < kSearchFields; ++i) {
    const auto size = kv::TakeVarint(octets);
    if (!size || (*size > 0 && *size - 1 > octets.size())) return false;
    record->present[i] = *size > 0;
    record->texts[i] = *size > 0 ? octets.substr(0, *size - 1) : std::string_view();
    octets.remove_prefix(record->texts[i].size());
  }
  return octets.empty();
}

}  // namespace mailmesh::mailbox_store
