#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

#include "common/base/bytes.h"
#include "common/mime/encoded_word.h"
#include "common/mime/header.h"
#include "common/mime/transfer_encoding.h"
#include "common/text/ascii.h"
#include "common/text/charset.h"
#include "common/text/utf8_repair.h"

namespace mailmesh::mime {
namespace {

constexpr size_t kMaxCharsetName = 64;

struct EncodedWord {
  std::string_view charset;
  char encoding = 'q';  // in lower case
  std::string_view text;
  size_t size = 0;  // of the whole word
};

bool IsBlank(char c) { return c == ' ' || c == '\t'; }

// RFC 2047, 2: "=?" charset ["*" language] "?" encoding "?" text "?=". Neither part contains '?' or white space, so that
// looking costs no more than the distance to the next '?'.
std::optional<EncodedWord> ParseWord(std::string_view in) {
  if (in.substr(0, 2) != "=?") return std::nullopt;
  EncodedWord word;
  const size_t charset_end = in.substr(0, kMaxCharsetName + 3).find('?', 2);
  if (charset_end == std::string_view::npos || charset_end == 2 || charset_end + 3 >= in.size()) return std::nullopt;
  word.charset = in.substr(2, charset_end - 2);
  if (const size_t star = word.charset.find('*'); star != std::string_view::npos) word.charset = word.charset.substr(0, star);
  word.encoding = text::LowerAscii(in[charset_end + 1]);
  if ((word.encoding != 'b' && word.encoding != 'q') || in[charset_end + 2] != '?') return std::nullopt;
  const size_t start = charset_end + 3;
  size_t end = start;
  while (end < in.size() && in[end] != '?' && !IsBlank(in[end])) ++end;
  if (in.substr(end, 2) != "?=") return std::nullopt;
  word.text = in.substr(start, end - start);
  word.size = end + 2;
  return word;
}

// RFC 2047, 4.2: '_' is a space, "=XX" an octet.
std::string DecodeQ(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    const bool hex = text[i] == '=' && i + 2 < text.size() && base::HexDigit(text[i + 1]) >= 0 && base::HexDigit(text[i + 2]) >= 0;
    if (hex) {
      out += static_cast<char>(base::HexDigit(text[i + 1]) << 4 | base::HexDigit(text[i + 2]));
      i += 2;
    } else {
      out += text[i] == '_' ? ' ' : text[i];
    }
  }
  return out;
}

class Decoder {
 public:
  Decoder(std::string_view in, size_t max_output) : in_(in), max_output_(max_output) {}

  std::string Decode() {
    while (!in_.empty() && out_.size() < max_output_) Step();
    Flush();
    // The limit may have been passed by one word: cut between characters.
    size_t size = std::min(out_.size(), max_output_);
    while (size > 0 && size < out_.size() && (static_cast<uint8_t>(out_[size]) & 0xc0) == 0x80) --size;
    out_.resize(size);
    return std::move(out_);
  }

 private:
  void Step() {
    const size_t start = in_.find("=?");
    TakePlain(in_.substr(0, start));
    if (start == std::string_view::npos) {
      in_ = {};
      return;
    }
    in_.remove_prefix(start);
    const std::optional<EncodedWord> word = ParseWord(in_);
    const bool taken = word && TakeWord(*word);
    const size_t size = word ? word->size : 2;
    if (!taken) TakePlain(in_.substr(0, size));
    in_.remove_prefix(size);
  }

  void TakePlain(std::string_view plain) {
    if (plain.empty()) return;
    // White space after a word waits: it is nothing if a word follows.
    if (after_word_ && gap_.empty() && std::all_of(plain.begin(), plain.end(), IsBlank)) {
      gap_ = plain;
      return;
    }
    Flush();
    out_ += text::RepairUtf8(plain);
  }

  bool TakeWord(const EncodedWord& word) {
    if (!after_word_ || !text::EqualsIgnoreAsciiCase(charset_, word.charset)) {
      if (!text::IsKnownCharset(word.charset)) return false;
      // The gap between two words is dropped before the second is known to be one: keep the order.
      if (after_word_) gap_ = {};
      Flush();
      charset_ = word.charset;
    }
    gap_ = {};
    octets_ += word.encoding == 'b' ? DecodeTransfer(TransferEncoding::kBase64, word.text) : DecodeQ(word.text);
    after_word_ = true;
    return true;
  }

  void Flush() {
    if (after_word_) out_ += text::DecodeCharset(charset_, octets_).value_or(std::string());
    out_ += gap_;
    gap_ = {};
    octets_.clear();
    after_word_ = false;
  }

  std::string_view in_;
  const size_t max_output_;
  std::string out_;
  std::string octets_;        // of words in charset_, not decoded yet
  std::string_view charset_;  // of the words before
  std::string_view gap_;      // white space after a word
  bool after_word_ = false;
};

}  // namespace

std::string DecodeHeaderText(std::string_view value, size_t max_output) {
  const std::string unfolded = HeaderText(value);
  return Decoder(unfolded, max_output).Decode();
}

Parameter DecodeParameter(const Parameter& parameter) {
  if (!parameter.name.ends_with('*')) return {parameter.name, DecodeHeaderText(parameter.value)};
  Parameter decoded{parameter.name.substr(0, parameter.name.size() - 1), {}};
  // RFC 2231, 4: charset'language'text.
  std::string_view text = parameter.value;
  std::string_view charset;
  const size_t first = text.find('\'');
  const size_t second = first == std::string_view::npos ? first : text.find('\'', first + 1);
  if (second != std::string_view::npos) {
    charset = text.substr(0, first);
    text.remove_prefix(second + 1);
  }
  const std::string octets = base::PercentDecode(text);
  decoded.value = text::DecodeCharset(charset, octets).value_or(text::RepairUtf8(octets));
  return decoded;
}

std::string DecodedParameter(const std::vector<Parameter>& parameters, std::string_view name) {
  // RFC 5987, 4.2 (as practised in mail): where both forms are there, the extended one is the better one.
  const Parameter* found = nullptr;
  for (const Parameter& parameter : parameters) {
    std::string_view base = parameter.name;
    const bool extended = base.ends_with('*');
    if (extended) base.remove_suffix(1);
    if (text::EqualsIgnoreAsciiCase(base, name) && (found == nullptr || extended)) found = &parameter;
  }
  return found == nullptr ? std::string() : DecodeParameter(*found).value;
}

}  // namespace mailmesh::mime
