#include <cstddef>

#include "common/base/bytes.h"
#include "common/mime/transfer_encoding.h"

namespace mailmesh::mime {
namespace {

constexpr size_t kBase64LineOctets = 57;  // 76 characters
constexpr uint32_t kQuotedPrintableLine = 76;

void AppendBase64Line(std::string_view octets, std::string* out) {
  *out += base::Base64Encode(octets);
  *out += "\r\n";
}

bool IsBlank(char c) { return c == ' ' || c == '\t'; }
bool IsPlain(char c) { return c >= '!' && c <= '~' && c != '='; }

}  // namespace

void Base64Encoder::Append(std::string_view octets, std::string* out) {
  while (carry_.size() + octets.size() >= kBase64LineOctets) {
    const size_t taken = kBase64LineOctets - carry_.size();
    carry_ += octets.substr(0, taken);
    octets.remove_prefix(taken);
    AppendBase64Line(carry_, out);
    carry_.clear();
  }
  carry_ += octets;
}

void Base64Encoder::Finish(std::string* out) {
  if (!carry_.empty()) AppendBase64Line(carry_, out);
  carry_.clear();
}

void QuotedPrintableEncoder::Append(std::string_view octets, std::string* out) {
  for (const char c : octets) {
    if (!held_.empty() && held_.back() == '\r' && c == '\n') {
      held_.pop_back();
      // Rule 3: white space before a line end must be encoded.
      FlushHeld(/*plain=*/false, out);
      *out += "\r\n";
      column_ = 0;
      continue;
    }
    if (!held_.empty() && !(c == '\r' && IsBlank(held_.back()))) FlushHeld(/*plain=*/true, out);
    if (c == '\r' || IsBlank(c)) {
      held_ += c;
    } else {
      Put(c, IsPlain(c), out);
    }
  }
}

void QuotedPrintableEncoder::Put(char c, bool plain, std::string* out) {
  const uint32_t width = plain ? 1 : 3;
  // Rule 5: the '=' of a soft break counts.
  if (column_ + width > kQuotedPrintableLine - 1) {
    *out += "=\r\n";
    column_ = 0;
  }
  column_ += width;
  if (plain) {
    *out += c;
    return;
  }
  constexpr char kHex[] = "0123456789ABCDEF";
  *out += '=';
  *out += kHex[static_cast<uint8_t>(c) >> 4];
  *out += kHex[static_cast<uint8_t>(c) & 15];
}

void QuotedPrintableEncoder::FlushHeld(bool plain, std::string* out) {
  for (const char c : held_) Put(c, plain && c != '\r', out);
  held_.clear();
}

void QuotedPrintableEncoder::Finish(std::string* out) {
  FlushHeld(/*plain=*/false, out);
  column_ = 0;
}

std::string EncodeBase64Lines(std::string_view octets) {
  std::string out;
  Base64Encoder encoder;
  encoder.Append(octets, &out);
  encoder.Finish(&out);
  return out;
}

std::string EncodeQuotedPrintable(std::string_view text) {
  std::string out;
  QuotedPrintableEncoder encoder;
  encoder.Append(text, &out);
  encoder.Finish(&out);
  return out;
}

}  // namespace mailmesh::mime
