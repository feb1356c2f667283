#include "common/smtp/data_reader.h"

#include <algorithm>
#include <cstring>

namespace mailmesh::smtp {
namespace {

constexpr char kCr[] = "\r";

}  // namespace

size_t DataReader::Decode(std::string_view input, std::string& content) {
  const char* const begin = input.data();
  const char* const end = begin + input.size();
  const char* at = begin;
  while (at < end && state_ != State::kDone) {
    at = state_ == State::kLineStart || state_ == State::kInside ? Lines(at, end, content) : Border(at, content);
  }
  return static_cast<size_t>(at - begin);
}

// Behind a CR, or behind a dot at the start of a line: what the next octet makes of it.
const char* DataReader::Border(const char* at, std::string& content) {
  switch (state_) {
    case State::kCr:
      if (*at == '\n') {
        Emit(at, at + 1, content);
        state_ = State::kLineStart;
        return at + 1;
      }
      bare_cr_ = true;
      break;
    case State::kDot:
      if (*at == '\r') {
        state_ = State::kDotCr;
        return at + 1;
      }
      // RFC 5321, 4.5.2: the first dot goes when the line has more. ".LF" is such a line, and Lines() flags its LF.
      break;
    case State::kDotCr:
      if (*at == '\n') {
        state_ = State::kDone;
        return at + 1;
      }
      // ".CR" and something else is not the end, whatever follows.
      bare_cr_ = true;
      Emit(kCr, kCr + 1, content);
      break;
    case State::kLineStart:
    case State::kInside:
    case State::kDone:
      return at;
  }
  state_ = State::kInside;
  return at;
}

// Whole lines at a time: one copy up to a dot at the start of a line or to the end of the input.
const char* DataReader::Lines(const char* at, const char* end, std::string& content) {
  const char* const run = at;
  while (at < end) {
    if (state_ == State::kLineStart && *at == '.') {
      Emit(run, at, content);
      state_ = State::kDot;
      return at + 1;
    }
    const char* lf = static_cast<const char*>(std::memchr(at, '\n', static_cast<size_t>(end - at)));
    const char* stop = lf != nullptr ? lf : end;
    const char* cr = static_cast<const char*>(std::memchr(at, '\r', static_cast<size_t>(stop - at)));
    if (cr != nullptr && cr + 1 != stop) bare_cr_ = true;
    if (lf == nullptr) {
      state_ = end[-1] == '\r' ? State::kCr : State::kInside;
      at = end;
      break;
    }
    const bool crlf = lf > at && lf[-1] == '\r';
    // Only CRLF makes the next dot special: a dot behind a bare LF ends nothing.
    state_ = crlf ? State::kLineStart : State::kInside;
    if (!crlf) bare_lf_ = true;
    at = lf + 1;
  }
  Emit(run, at, content);
  return at;
}

void DataReader::Emit(const char* from, const char* to, std::string& content) {
  const auto length = static_cast<uint64_t>(to - from);
  const uint64_t room = size_ < max_size_ ? max_size_ - size_ : 0;
  content.append(from, static_cast<size_t>(std::min(length, room)));
  size_ += length;
}

}  // namespace mailmesh::smtp
