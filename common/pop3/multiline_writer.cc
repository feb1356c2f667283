#include "common/pop3/multiline_writer.h"

namespace mailmesh::pop3 {

std::string_view TopFilter::Take(std::string_view chunk) {
  size_t pos = 0;
  while (!done_ && pos < chunk.size()) {
    const size_t lf = chunk.find('\n', pos);
    const std::string_view line = chunk.substr(pos, lf == std::string_view::npos ? lf : lf - pos);
    if (line.find_first_not_of('\r') != std::string_view::npos) line_empty_ = false;
    if (lf == std::string_view::npos) return chunk;
    pos = lf + 1;
    const bool empty = line_empty_;
    line_empty_ = true;
    if (in_header_) {
      in_header_ = !empty;
      done_ = empty && left_ == 0;
    } else {
      done_ = --left_ == 0;
    }
  }
  return chunk.substr(0, pos);
}

}  // namespace mailmesh::pop3
