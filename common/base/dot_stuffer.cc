#include "common/base/dot_stuffer.h"

#include <cstring>

namespace mailmesh::base {

void DotStuffer::Write(std::string_view chunk, std::string& out) {
  if (chunk.empty()) return;
  const char* const begin = chunk.data();
  const char* const end = begin + chunk.size();
  if (at_ == At::kLineStart && *begin == '.') out.push_back('.');

  const bool cr_before = at_ == At::kAfterCr;
  const auto ends_line = [&](const char* lf) { return lf > begin ? lf[-1] == '\r' : cr_before; };
  const char* run = begin;  // everything from here on is not written yet
  const char* at = begin;
  while (const void* found = std::memchr(at, '\n', static_cast<size_t>(end - at))) {
    const char* lf = static_cast<const char*>(found);
    at = lf + 1;
    if (at < end && *at == '.' && ends_line(lf)) {
      out.append(run, at);
      out.push_back('.');
      run = at;
    }
    if (at == end) break;
  }
  out.append(run, end);

  const char last = end[-1];
  at_ = last == '\r' ? At::kAfterCr : last == '\n' && ends_line(end - 1) ? At::kLineStart : At::kInside;
}

void DotStuffer::Finish(std::string& out) {
  out.append(at_ == At::kLineStart ? ".\r\n" : "\r\n.\r\n");
  at_ = At::kLineStart;
}

}  // namespace mailmesh::base
