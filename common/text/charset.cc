#include "common/text/charset.h"

#include <unicode/ucnv.h>
#include <unicode/ucnv_cb.h>

#include <array>

#include "common/text/ascii.h"

namespace mailmesh::text {
namespace {

// IANA's names have at most 40 characters; ICU looks aliases up in a table, so longer ones cannot be known.
constexpr size_t kMaxName = 60;

bool IsUtf8Name(std::string_view name) {
  for (const std::string_view known : {"", "us-ascii", "ascii", "utf-8", "utf8", "ansi_x3.4-1968", "unknown-8bit"}) {
    if (EqualsIgnoreAsciiCase(name, known)) return true;
  }
  return false;
}

// RFC 2231, 4.1 and RFC 2978, 2.3: the characters of a name. ICU takes ',' for the start of options.
bool IsName(std::string_view name) {
  for (const char c : name) {
    if (c <= ' ' || c >= '\x7f' || c == ',') return false;
  }
  return name.size() <= kMaxName;
}

// ICU's own substitution gives U+001A for single octets of some charsets.
void U_CALLCONV WriteReplacement(const void*, UConverterToUnicodeArgs* args, const char*, int32_t,
                                 UConverterCallbackReason reason, UErrorCode* error) {
  if (reason > UCNV_IRREGULAR) return;  // reset, close, clone
  *error = U_ZERO_ERROR;
  constexpr UChar kReplacement = 0xfffd;
  ucnv_cbToUWriteUChars(args, &kReplacement, 1, 0, error);
}

}  // namespace

struct CharsetDecoder::Icu {
  UConverter* source = nullptr;
  UConverter* utf8 = nullptr;
  std::array<UChar, 1024> pivot;
  UChar* pivot_source = pivot.data();
  UChar* pivot_target = pivot.data();

  ~Icu() {
    ucnv_close(source);
    ucnv_close(utf8);
  }
  void Reset() {
    ucnv_reset(source);
    ucnv_reset(utf8);
    pivot_source = pivot_target = pivot.data();
  }
  void Convert(std::string_view octets, bool flush, std::string* out);
};

void CharsetDecoder::Icu::Convert(std::string_view octets, bool flush, std::string* out) {
  std::array<char, 4096> buffer;
  const char* from = octets.data();
  const char* const end = from + octets.size();
  while (true) {
    char* to = buffer.data();
    UErrorCode error = U_ZERO_ERROR;
    ucnv_convertEx(utf8, source, &to, to + buffer.size(), &from, end, pivot.data(), &pivot_source, &pivot_target,
                   pivot.data() + pivot.size(), /*reset=*/false, flush, &error);
    out->append(buffer.data(), static_cast<size_t>(to - buffer.data()));
    if (error == U_BUFFER_OVERFLOW_ERROR) continue;
    // Any other failure is a state that no input should reach: drop the rest of this piece, begin anew with the next.
    if (U_FAILURE(error)) {
      out->append(kReplacementCharacter);
      Reset();
    }
    return;
  }
}

CharsetDecoder::CharsetDecoder() = default;
CharsetDecoder::CharsetDecoder(CharsetDecoder&&) noexcept = default;
CharsetDecoder& CharsetDecoder::operator=(CharsetDecoder&&) noexcept = default;
CharsetDecoder::~CharsetDecoder() = default;

CharsetDecoder CharsetDecoder::Utf8() { return CharsetDecoder(); }

std::optional<CharsetDecoder> CharsetDecoder::Open(std::string_view charset) {
  CharsetDecoder decoder;
  if (IsUtf8Name(charset)) return decoder;
  if (!IsName(charset)) return std::nullopt;
  UErrorCode error = U_ZERO_ERROR;
  auto icu = std::make_unique<Icu>();
  icu->source = ucnv_open(std::string(charset).c_str(), &error);
  icu->utf8 = ucnv_open("UTF-8", &error);
  if (U_SUCCESS(error)) ucnv_setToUCallBack(icu->source, WriteReplacement, nullptr, nullptr, nullptr, &error);
  if (U_FAILURE(error)) return std::nullopt;
  decoder.icu_ = std::move(icu);
  return decoder;
}

void CharsetDecoder::Append(std::string_view octets, std::string* out) {
  if (icu_ == nullptr) return utf8_.Append(octets, out);
  if (!octets.empty()) icu_->Convert(octets, /*flush=*/false, out);
}

void CharsetDecoder::Finish(std::string* out) {
  if (icu_ == nullptr) return utf8_.Finish(out);
  icu_->Convert("", /*flush=*/true, out);  // ICU wants a pointer even to nothing
  icu_->Reset();
}

bool IsKnownCharset(std::string_view charset) { return CharsetDecoder::Open(charset).has_value(); }

std::optional<std::string> DecodeCharset(std::string_view charset, std::string_view octets) {
  std::optional<CharsetDecoder> decoder = CharsetDecoder::Open(charset);
  if (!decoder) return std::nullopt;
  std::string out;
  decoder->Append(octets, &out);
  decoder->Finish(&out);
  return out;
}

}  // namespace mailmesh::text
