#include "common/mime/base_subject.h"

#include <cstddef>

#include "common/text/ascii.h"

namespace mailmesh::mime {
namespace {

constexpr std::string_view kFwdTrailer = "(fwd)";
constexpr std::string_view kFwdHeader = "[fwd:";

// RFC 5256, 2.1 (1).
std::string OneSpace(std::string_view subject) {
  std::string out;
  out.reserve(subject.size());
  for (const char c : subject) {
    const bool space = c == ' ' || c == '\t' || c == '\r' || c == '\n';
    if (!space) {
      out.push_back(c);
    } else if (out.empty() || out.back() != ' ') {
      out.push_back(' ');
    }
  }
  return out;
}

// Behind white space.
size_t SkipSpace(std::string_view text, size_t pos) {
  while (pos < text.size() && text[pos] == ' ') ++pos;
  return pos;
}

// Behind a subj-blob, "[" *BLOBCHAR "]" *WSP, at `pos`; `pos` itself where there is none.
size_t SkipBlob(std::string_view text, size_t pos) {
  if (pos >= text.size() || text[pos] != '[') return pos;
  const size_t end = text.find_first_of("[]", pos + 1);
  if (end == std::string_view::npos || text[end] == '[') return pos;
  return SkipSpace(text, end + 1);
}

// Behind a subj-refwd, ("re" / ("fw" ["d"])) *WSP [subj-blob] ":".
size_t SkipRefwd(std::string_view text, size_t pos) {
  size_t at = pos;
  const std::string_view rest = text.substr(pos);
  if (text::StartsWithIgnoreAsciiCase(rest, "fwd")) {
    at += 3;
  } else if (text::StartsWithIgnoreAsciiCase(rest, "re") || text::StartsWithIgnoreAsciiCase(rest, "fw")) {
    at += 2;
  } else {
    return pos;
  }
  at = SkipBlob(text, SkipSpace(text, at));
  return at < text.size() && text[at] == ':' ? at + 1 : pos;
}

// RFC 5256, 2.1 (2).
void RemoveTrailers(std::string_view* text, bool* is_reply) {
  for (;;) {
    while (text->ends_with(' ')) text->remove_suffix(1);
    if (text->size() < kFwdTrailer.size()) return;
    const std::string_view end = text->substr(text->size() - kFwdTrailer.size());
    if (!text::EqualsIgnoreAsciiCase(end, kFwdTrailer)) return;
    text->remove_suffix(kFwdTrailer.size());
    *is_reply = true;
  }
}

// RFC 5256, 2.1 (3) to (5). Blobs belong to a leader if a refwd follows them. Else they are removed one by one, as long as
// something is left: all of them at once, for none of them can be the beginning of a leader any more.
void RemoveLeaders(std::string_view* text, bool* is_reply) {
  size_t pos = 0;
  for (;;) {
    pos = SkipSpace(*text, pos);
    size_t last_blob = pos;
    size_t at = pos;
    for (size_t next = SkipBlob(*text, at); next != at; next = SkipBlob(*text, at)) {
      last_blob = at;
      at = next;
    }
    const size_t after = SkipRefwd(*text, at);
    if (after == at) {
      text->remove_prefix(at < text->size() ? at : last_blob);
      return;
    }
    *is_reply = true;
    pos = after;
  }
}

// RFC 5256, 2.1 (6).
bool RemoveForward(std::string_view* text) {
  if (!text::StartsWithIgnoreAsciiCase(*text, kFwdHeader) || !text->ends_with(']')) return false;
  text->remove_prefix(kFwdHeader.size());
  text->remove_suffix(1);
  return true;
}

}  // namespace

BaseSubject ExtractBaseSubject(std::string_view subject) {
  BaseSubject base;
  std::string normal = OneSpace(subject);
  std::string_view rest = normal;
  for (;;) {
    RemoveTrailers(&rest, &base.is_reply);
    RemoveLeaders(&rest, &base.is_reply);
    if (!RemoveForward(&rest)) break;
    base.is_reply = true;
  }
  base.text.assign(rest);
  return base;
}

}  // namespace mailmesh::mime
