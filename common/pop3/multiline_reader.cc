#include "common/pop3/multiline_reader.h"

#include <cstring>

namespace mailmesh::pop3 {
namespace {

constexpr char kCr[] = "\r";

}  // namespace

size_t MultilineReader::Decode(std::string_view input, std::string& content) {
  const char* const begin = input.data();
  const char* const end = begin + input.size();
  const char* at = begin;
  while (at < end && state_ != State::kDone) {
    at = state_ == State::kLineStart || state_ == State::kInside ? Lines(at, end, content) : Border(at, content);
  }
  return static_cast<size_t>(at - begin);
}

// Behind a CR, or behind a dot at the start of a line.
const char* MultilineReader::Border(const char* at, std::string& content) {
  const bool lf = *at == '\n';
  if (state_ == State::kCr && lf) {
    Emit(at, at + 1, content);
    state_ = State::kLineStart;
    return at + 1;
  }
  if (state_ == State::kDot && *at == '\r') {
    state_ = State::kDotCr;
    return at + 1;
  }
  if (lf && (state_ == State::kDotCr || (state_ == State::kDot && endings_ == base::LineEndings::kCrlfOrLf))) {
    state_ = State::kDone;
    return at + 1;
  }
  // RFC 1939, 3: the dot that was put before the line is gone; the rest of the line is content.
  if (state_ == State::kDotCr) Emit(kCr, kCr + 1, content);
  state_ = State::kInside;
  return at;
}

// Whole lines at a time: one copy up to a dot at the start of a line or to the end of the input.
const char* MultilineReader::Lines(const char* at, const char* end, std::string& content) {
  const char* const run = at;
  while (at < end) {
    if (state_ == State::kLineStart && *at == '.') {
      Emit(run, at, content);
      state_ = State::kDot;
      return at + 1;
    }
    const char* lf = static_cast<const char*>(std::memchr(at, '\n', static_cast<size_t>(end - at)));
    if (lf == nullptr) {
      state_ = end[-1] == '\r' ? State::kCr : State::kInside;
      at = end;
      break;
    }
    state_ = EndsLine(lf, at) ? State::kLineStart : State::kInside;
    at = lf + 1;
  }
  Emit(run, at, content);
  return at;
}

bool MultilineReader::EndsLine(const char* lf, const char* from) const {
  return endings_ == base::LineEndings::kCrlfOrLf || (lf > from && lf[-1] == '\r');
}

void MultilineReader::Emit(const char* from, const char* to, std::string& content) {
  content.append(from, to);
  size_ += static_cast<uint64_t>(to - from);
}

}  // namespace mailmesh::pop3
