#include "common/smtp/enhanced_status.h"

#include <absl/strings/str_cat.h>

#include <charconv>

namespace mailmesh::smtp {
namespace {

// RFC 3463, 2: a number of one to three digits without leading zeros. Servers that write 5.07.1 exist; the value is the
// same.
bool TakeNumber(std::string_view& text, uint16_t& out) {
  size_t digits = 0;
  while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9') ++digits;
  if (digits == 0 || digits > 3) return false;
  std::from_chars(text.data(), text.data() + digits, out);
  text.remove_prefix(digits);
  return true;
}

bool TakeDot(std::string_view& text) {
  if (!text.starts_with('.')) return false;
  text.remove_prefix(1);
  return true;
}

std::optional<EnhancedStatus> Take(std::string_view& text) {
  EnhancedStatus status;
  if (!TakeNumber(text, status.klass) || !TakeDot(text)) return std::nullopt;
  if (status.klass != 2 && status.klass != 4 && status.klass != 5) return std::nullopt;
  if (!TakeNumber(text, status.subject) || !TakeDot(text) || !TakeNumber(text, status.detail)) return std::nullopt;
  return status;
}

}  // namespace

std::string ToString(EnhancedStatus status) {
  if (!status.has_value()) return "";
  return absl::StrCat(status.klass, ".", status.subject, ".", status.detail);
}

std::optional<EnhancedStatus> ParseEnhancedStatus(std::string_view text) {
  std::optional<EnhancedStatus> status = Take(text);
  return text.empty() ? status : std::nullopt;
}

std::optional<EnhancedStatus> TakeEnhancedStatus(std::string_view& text, uint16_t reply_code) {
  std::string_view rest = text;
  std::optional<EnhancedStatus> status = Take(rest);
  if (!status || status->klass != reply_code / 100 || (!rest.empty() && rest.front() != ' ')) return std::nullopt;
  if (!rest.empty()) rest.remove_prefix(1);
  text = rest;
  return status;
}

}  // namespace mailmesh::smtp
