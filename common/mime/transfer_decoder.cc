#include <array>
#include <cstddef>

#include "common/base/bytes.h"
#include "common/mime/transfer_encoding.h"

namespace mailmesh::mime {
namespace {

constexpr uint8_t kNotInAlphabet = 64;
constexpr uint8_t kPadding = 65;

constexpr std::array<uint8_t, 256> MakeBase64Values() {
  std::array<uint8_t, 256> values{};
  for (uint8_t& value : values) value = kNotInAlphabet;
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t i = 0; i < kAlphabet.size(); ++i) values[static_cast<uint8_t>(kAlphabet[i])] = static_cast<uint8_t>(i);
  values['='] = kPadding;
  return values;
}
constexpr std::array<uint8_t, 256> kBase64Values = MakeBase64Values();

bool IsBlank(char c) { return c == ' ' || c == '\t'; }

// A line may not be longer than 998 octets (RFC 5322, 2.1.1): more white space than that is none before a line end.
constexpr size_t kMaxHeld = 998;

}  // namespace

void Base64Decoder::Append(std::string_view octets, std::string* out) {
  out->reserve(out->size() + octets.size() / 4 * 3 + 3);
  for (const char c : octets) {
    const uint8_t value = kBase64Values[static_cast<uint8_t>(c)];
    if (value < 64) {
      bits_ = bits_ << 6 | value;
      if (++count_ < 4) continue;
      const char three[] = {static_cast<char>(bits_ >> 16), static_cast<char>(bits_ >> 8), static_cast<char>(bits_)};
      out->append(three, 3);
      bits_ = count_ = 0;
    } else if (value == kPadding) {
      EndQuantum(out);
    }
  }
}

void Base64Decoder::EndQuantum(std::string* out) {
  if (count_ >= 2) *out += static_cast<char>(bits_ >> (count_ == 2 ? 4 : 10));
  if (count_ == 3) *out += static_cast<char>(bits_ >> 2);
  bits_ = count_ = 0;
}

void Base64Decoder::Finish(std::string* out) { EndQuantum(out); }

void QuotedPrintableDecoder::Append(std::string_view octets, std::string* out) {
  size_t i = 0;
  while (i < octets.size()) {
    if (!held_.empty()) {
      if (TakeHeld(octets[i], out)) {
        ++i;
        continue;
      }
    }
    size_t end = i;
    while (end < octets.size() && octets[end] != '=' && !IsBlank(octets[end])) ++end;
    out->append(octets.substr(i, end - i));
    i = end;
    if (i < octets.size()) held_ = octets[i++];
  }
}

bool QuotedPrintableDecoder::TakeHeld(char c, std::string* out) {
  if (held_.front() == '=') return TakeAfterEquals(c, out);
  if (held_.back() == '\r' ? c == '\n' : (c == '\n' || c == '\r')) {
    if (c == '\r') {
      held_ += c;
      return true;
    }
    // Rule 3: white space at the end of a line was added on the way.
    *out += held_.back() == '\r' ? "\r\n" : "\n";
    held_.clear();
    return true;
  }
  if (IsBlank(c) && held_.back() != '\r' && held_.size() < kMaxHeld) {
    held_ += c;
    return true;
  }
  *out += held_;
  held_.clear();
  return false;
}

bool QuotedPrintableDecoder::TakeAfterEquals(char c, std::string* out) {
  const char last = held_.back();
  const bool hex_begun = held_.size() == 2 && base::HexDigit(last) >= 0;
  if (hex_begun && base::HexDigit(c) >= 0) {
    *out += static_cast<char>(base::HexDigit(last) << 4 | base::HexDigit(c));
    held_.clear();
    return true;
  }
  if (!hex_begun && c == '\n') {  // rule 5: a soft line break
    held_.clear();
    return true;
  }
  const bool continues = (held_.size() == 1 && base::HexDigit(c) >= 0) ||
                         (!hex_begun && last != '\r' && (IsBlank(c) || c == '\r') && held_.size() < kMaxHeld);
  if (continues) {
    held_ += c;
    return true;
  }
  *out += held_;
  held_.clear();
  return false;
}

void QuotedPrintableDecoder::Finish(std::string* out) {
  // White space at the end, or a soft break, is dropped; "=X" meant nothing.
  if (held_.size() == 2 && base::HexDigit(held_.back()) >= 0) *out += held_;
  held_.clear();
}

void TransferDecoder::Append(std::string_view octets, std::string* out) {
  switch (encoding_) {
    case TransferEncoding::kBase64: return base64_.Append(octets, out);
    case TransferEncoding::kQuotedPrintable: return quoted_printable_.Append(octets, out);
    case TransferEncoding::k7Bit:
    case TransferEncoding::k8Bit:
    case TransferEncoding::kBinary:
    case TransferEncoding::kUnknown: out->append(octets); return;
  }
}

void TransferDecoder::Finish(std::string* out) {
  base64_.Finish(out);
  quoted_printable_.Finish(out);
}

std::string DecodeTransfer(TransferEncoding encoding, std::string_view octets) {
  std::string out;
  TransferDecoder decoder(encoding);
  decoder.Append(octets, &out);
  decoder.Finish(&out);
  return out;
}

}  // namespace mailmesh::mime
