#include "common/imap/response_reader.h"

#include <algorithm>
#include <array>

#include "common/imap/chars.h"
#include "common/imap/literal.h"

namespace mailmesh::imap {
namespace {

constexpr size_t kKeepCapacity = 4096;

// "+ ..." or "A1 OK ...": ends in a text for people. "{5}" at its end announces nothing.
bool EndsInText(std::string_view line) {
  if (!line.empty() && line.front() == '+') return true;
  const size_t space = line.find(' ');
  if (space == line.npos) return false;
  const std::string_view rest = line.substr(space + 1);
  const std::string_view word = rest.substr(0, rest.find(' '));
  constexpr std::array<std::string_view, 5> kConditions = {"OK", "NO", "BAD", "BYE", "PREAUTH"};
  return std::any_of(kConditions.begin(), kConditions.end(),
                     [word](std::string_view name) { return internal::EqualsUpper(word, name); });
}

}  // namespace

void ResponseReader::Reset() {
  if (buffer_.capacity() > kKeepCapacity) {
    std::string().swap(buffer_);
  } else {
    buffer_.clear();
  }
  streamed_.clear();
  line_start_ = 0;
  clear_ = false;
}

ResponseReader::Event ResponseReader::Fatal() {
  state_ = State::kDead;
  std::string().swap(buffer_);
  Event event;
  event.kind = Kind::kFatal;
  return event;
}

ResponseReader::Event ResponseReader::Next(std::string_view* input) {
  for (;;) {
    if (clear_) Reset();
    if (state_ == State::kDead) return Fatal();
    if (state_ == State::kStream) return TakeStream(input);
    if (state_ == State::kKeep) {
      const auto size = static_cast<size_t>(std::min<uint64_t>(remaining_, input->size()));
      buffer_.append(input->substr(0, size));
      input->remove_prefix(size);
      remaining_ -= size;
      if (remaining_ > 0) return Event();
      state_ = State::kLine;
      line_start_ = buffer_.size();
    }
    const size_t end = input->find('\n');
    const std::string_view piece = input->substr(0, end);
    // One octet more may be the CR.
    if (buffer_.size() - line_start_ + piece.size() > limits_.max_line + 1) return Fatal();
    if (buffer_.size() + piece.size() > limits_.max_response + 1) return Fatal();
    std::string_view line = piece;
    if (end == input->npos || !buffer_.empty()) {
      buffer_.append(piece);
      line = std::string_view(buffer_).substr(line_start_);
    }
    input->remove_prefix(end == input->npos ? input->size() : end + 1);
    if (end == input->npos) return Event();
    if (!line.empty() && line.back() == '\r') {
      line.remove_suffix(1);
      if (!buffer_.empty()) buffer_.pop_back();
    }
    Event event = Line(line);
    if (event.kind != Kind::kNeedInput) return event;
  }
}

ResponseReader::Event ResponseReader::Line(std::string_view line) {
  if (line.size() > limits_.max_line) return Fatal();
  LiteralHeader literal;
  size_t header_size = 0;
  const bool first = line_start_ == 0;
  const LiteralScan scan =
      first && EndsInText(line) ? LiteralScan::kNone : ScanLiteralHeader(line, &literal, &header_size);
  Event event;
  if (scan == LiteralScan::kNone) {
    event.kind = Kind::kResponse;
    event.text = buffer_.empty() ? line : std::string_view(buffer_);
    event.streamed = streamed_;
    clear_ = true;
    return event;
  }
  if (scan == LiteralScan::kOverflow || literal.size > limits_.max_literal) return Fatal();
  if (buffer_.empty()) buffer_.assign(line);
  const size_t head_size = buffer_.size() - header_size;
  buffer_.append("\r\n");
  remaining_ = literal.size;
  if (literal.size <= limits_.max_kept_literal) {
    if (buffer_.size() + literal.size > limits_.max_response) return Fatal();
    state_ = State::kKeep;
    return Event();
  }
  streamed_.push_back(buffer_.size());
  state_ = State::kStream;
  event.kind = Kind::kLiteral;
  event.text = std::string_view(buffer_).substr(0, head_size);
  event.size = literal.size;
  return event;
}

ResponseReader::Event ResponseReader::TakeStream(std::string_view* input) {
  Event event;
  if (remaining_ == 0) {
    state_ = State::kLine;
    line_start_ = buffer_.size();
    event.kind = Kind::kLiteralEnd;
    return event;
  }
  if (input->empty()) return event;
  event.kind = Kind::kLiteralData;
  event.text = input->substr(0, static_cast<size_t>(std::min<uint64_t>(remaining_, input->size())));
  input->remove_prefix(event.text.size());
  remaining_ -= event.text.size();
  return event;
}

}  // namespace mailmesh::imap
