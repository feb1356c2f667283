#include "common/smtp/line_endings.h"

#include <cstring>

namespace mailmesh::smtp {

void LineEndingCheck::Feed(std::string_view octets) {
  if (octets.empty()) return;
  const char* at = octets.data();
  const char* const end = at + octets.size();
  if (after_cr_) {
    after_cr_ = false;
    if (*at == '\n') {
      ++at;
    } else {
      bare_cr_ = true;
    }
  }
  while (at < end) {
    const char* lf = static_cast<const char*>(std::memchr(at, '\n', static_cast<size_t>(end - at)));
    const char* stop = lf != nullptr ? lf : end;
    const char* cr = static_cast<const char*>(std::memchr(at, '\r', static_cast<size_t>(stop - at)));
    if (cr != nullptr && cr + 1 != stop) bare_cr_ = true;
    if (lf == nullptr) {
      after_cr_ = end[-1] == '\r';
      return;
    }
    if (lf == at || lf[-1] != '\r') bare_lf_ = true;
    at = lf + 1;
  }
}

void LineEndingCheck::Finish() {
  if (after_cr_) bare_cr_ = true;
  after_cr_ = false;
}

}  // namespace mailmesh::smtp
