// Line ends and quoted "From " lines: the same in pieces of any size, and what a writer made of a message a reader undoes. The first
// octet says how large the pieces are.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "services/mailmesh/archive/line_codec.h"

using namespace mailmesh::archive;

namespace {

template <class Codec>
std::string Run(Codec& codec, std::string_view text, size_t piece) {
  std::string out;
  for (size_t i = 0; i < text.size(); i += piece) codec.Feed(text.substr(i, piece), &out);
  if constexpr (requires { codec.Finish(&out); }) codec.Finish(&out);
  return out;
}

// What a codec makes of the text, whole and in pieces.
template <class Codec>
std::string Both(const Codec& fresh, std::string_view text, size_t piece) {
  Codec whole = fresh;
  Codec pieces = fresh;
  const std::string out = Run(whole, text, text.size() + 1);
  if (Run(pieces, text, piece) != out) std::abort();
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const size_t piece = data[0] + size_t{1};
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);

  const std::string lines = Both(CrlfToLf(), text, piece);
  CrlfToLf codec;
  Run(codec, text, piece);
  if (!codec.irreversible() && Both(LfToCrlf(LineEnds::kLf), lines, piece) != text) std::abort();
  if (Both(LfToCrlf(LineEnds::kAsIs), text, piece) != text) std::abort();
  const std::string normal = Both(LfToCrlf(LineEnds::kNormalise), text, piece);
  if (Both(LfToCrlf(LineEnds::kNormalise), normal, piece) != normal) std::abort();

  const std::string quoted = Both(FromQuoter(FromQuoter::Mode::kQuote), text, piece);
  if (quoted.starts_with("From ") || quoted.find("\nFrom ") != std::string::npos) std::abort();
  if (Both(FromQuoter(FromQuoter::Mode::kUnquote), quoted, piece) != text) std::abort();
  Both(FromQuoter(FromQuoter::Mode::kUnquote), text, piece);
  return 0;
}
