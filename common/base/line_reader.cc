#include "common/base/line_reader.h"

namespace mailmesh::base {

LineReader::LineReader(size_t max_line, LineEndings endings) : max_line_(max_line), endings_(endings) {}

void LineReader::Reset() {
  std::string().swap(partial_);
  clear_partial_ = false;
  dropping_ = false;
  dropped_cr_ = false;
  dropped_ = 0;
}

LineReader::Framed LineReader::Next(std::string_view input) {
  if (clear_partial_) {
    std::string().swap(partial_);  // idle connections keep no buffer
    clear_partial_ = false;
  }
  size_t skipped = 0;
  if (dropping_) {
    skipped = Drop(input);
    input.remove_prefix(skipped);
  }
  Framed framed = Scan(input);
  framed.consumed += skipped;
  return framed;
}

// The octets up to the end of the line that is being dropped, its CRLF included.
size_t LineReader::Drop(std::string_view input) {
  size_t pos = 0;
  for (;;) {
    const size_t lf = input.find('\n', pos);
    if (lf == std::string_view::npos) break;
    const bool cr = lf > 0 ? input[lf - 1] == '\r' : dropped_cr_;
    if (cr || endings_ == LineEndings::kCrlfOrLf) {
      dropping_ = false;
      return lf + 1;
    }
    pos = lf + 1;
  }
  if (!input.empty()) dropped_cr_ = input.back() == '\r';
  dropped_ += input.size();
  return input.size();
}

LineReader::Framed LineReader::Scan(std::string_view input) {
  if (input.empty()) return {};
  // What is found is what comes first, octet by octet, so that the outcome does not depend on how the input is split.
  const size_t room = max_line_ > partial_.size() ? max_line_ - partial_.size() : 1;
  const std::string_view window = input.substr(0, room);
  const size_t lf = window.find('\n');
  if (endings_ == LineEndings::kCrlfOnly) {
    const size_t behind = BehindBareCr(window.substr(0, lf));
    if (behind != std::string_view::npos) return Fail(Outcome::kBareCr, window[behind], behind + 1);
  }
  if (lf != std::string_view::npos) return Complete(window, lf);
  if (window.size() == room) return Fail(Outcome::kTooLong, window.back(), room);
  partial_.append(window);
  return {Outcome::kNeedMore, {}, window.size()};
}

// The place of the octet behind the first CR that has no LF behind it. `text` has no LF; a CR at its end may yet get
// one.
size_t LineReader::BehindBareCr(std::string_view text) const {
  if (text.empty()) return std::string_view::npos;
  if (!partial_.empty() && partial_.back() == '\r') return 0;
  const size_t cr = text.find('\r');
  return cr == std::string_view::npos || cr + 1 == text.size() ? std::string_view::npos : cr + 1;
}

LineReader::Framed LineReader::Fail(Outcome outcome, char last, size_t consumed) {
  std::string().swap(partial_);
  dropping_ = true;
  dropped_cr_ = last == '\r';
  dropped_ = consumed;
  return {outcome, {}, consumed};
}

LineReader::Framed LineReader::Complete(std::string_view input, size_t lf) {
  const bool cr = lf > 0 ? input[lf - 1] == '\r' : !partial_.empty() && partial_.back() == '\r';
  if (!cr && endings_ == LineEndings::kCrlfOnly) return Fail(Outcome::kBareLf, '\n', lf + 1);
  bare_lf_ = !cr;
  dropped_ = 0;
  std::string_view line = input.substr(0, lf);
  if (!partial_.empty()) {
    partial_.append(line);
    clear_partial_ = true;
    line = partial_;
  }
  if (cr) line.remove_suffix(1);
  return {Outcome::kLine, line, lf + 1};
}

}  // namespace mailmesh::base
