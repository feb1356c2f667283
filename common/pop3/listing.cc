#include "common/pop3/listing.h"

#include <absl/strings/str_cat.h>

#include <charconv>

namespace mailmesh::pop3 {
namespace {

// Digits at the front; what follows must be a space or the end.
template <class T>
std::optional<T> TakeNumber(std::string_view& text) {
  T value = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || (at != end && *at != ' ')) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(at - text.data()));
  return value;
}

// Some servers put more than the one space that RFC 1939 has.
bool TakeSpaces(std::string_view& text) {
  const size_t end = text.find_first_not_of(' ');
  if (end == 0 || end == std::string_view::npos) return false;
  text.remove_prefix(end);
  return true;
}

std::optional<MessageNumber> TakeMessageNumber(std::string_view& text) {
  const std::optional<MessageNumber> number = TakeNumber<MessageNumber>(text);
  if (!number || *number == 0 || *number == kNoSuchNumber || !TakeSpaces(text)) return std::nullopt;
  return number;
}

}  // namespace

std::optional<ScanListing> ParseScanListing(std::string_view line) {
  const std::optional<MessageNumber> number = TakeMessageNumber(line);
  if (!number) return std::nullopt;
  const std::optional<uint64_t> size = TakeNumber<uint64_t>(line);
  if (!size) return std::nullopt;
  return ScanListing{*number, *size};
}

std::optional<UniqueIdListing> ParseUniqueIdListing(std::string_view line, size_t max_length) {
  const std::optional<MessageNumber> number = TakeMessageNumber(line);
  if (!number) return std::nullopt;
  const std::string_view unique_id = line.substr(0, line.find(' '));
  if (unique_id.empty() || unique_id.size() > max_length) return std::nullopt;
  for (char c : unique_id) {
    if (c < '!' || c > '~') return std::nullopt;
  }
  return UniqueIdListing{*number, unique_id};
}

std::optional<DropListing> ParseDropListing(std::string_view text) {
  const std::optional<uint32_t> count = TakeNumber<uint32_t>(text);
  if (!count || !TakeSpaces(text)) return std::nullopt;
  const std::optional<uint64_t> size = TakeNumber<uint64_t>(text);
  if (!size) return std::nullopt;
  return DropListing{*count, *size};
}

void AppendScanListing(MessageNumber number, uint64_t size, std::string& out) {
  absl::StrAppend(&out, number, " ", size, "\r\n");
}

void AppendUniqueIdListing(MessageNumber number, std::string_view unique_id, std::string& out) {
  absl::StrAppend(&out, number, " ");
  out.append(unique_id).append("\r\n");
}

}  // namespace mailmesh::pop3
