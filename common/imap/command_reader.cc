#include "common/imap/command_reader.h"

#include <algorithm>

#include "common/imap/chars.h"
#include "common/imap/command_parser.h"

namespace mailmesh::imap {
namespace {

// Kept of a line that is skipped: enough to see an announcement at its end.
constexpr size_t kTailSize = 2 * kMaxLiteralHeaderSize;
// A buffer larger than this is given back between commands: an idle connection costs nothing.
constexpr size_t kKeepCapacity = 1024;
// RFC 3501 sets no limit; longer ones are not remembered for an answer.
constexpr size_t kMaxTag = 256;

std::string_view WithoutCr(std::string_view line) {
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

// The compiler must not leave this out because the memory is freed next.
void Wipe(std::string& secret) {
  volatile char* const octets = secret.data();
  for (size_t i = 0; i < secret.size(); ++i) octets[i] = 0;
}

// "A1 APPEND " followed by the announcement of its mailbox name.
bool IsBeforeMailbox(std::string_view text) {
  const size_t tag = text.find(' ');
  if (tag == text.npos) return false;
  const size_t verb = text.find(' ', tag + 1);
  return verb == text.npos || verb + 1 == text.size();
}

}  // namespace

CommandReader::Limits CommandReader::UnauthenticatedLimits() {
  Limits limits;
  limits.max_line = 8 * 1024;
  limits.max_literal = 4 * 1024;
  limits.max_command = 16 * 1024;
  limits.max_skip = 1024 * 1024;
  return limits;
}

CommandReader::Event CommandReader::Make(Kind kind) {
  Event event;
  event.kind = kind;
  event.verb = verb_;
  event.tag = tag_;
  event.secret = secret_;
  return event;
}

void CommandReader::Reset() {
  if (secret_) Wipe(buffer_);
  if (buffer_.capacity() > kKeepCapacity) {
    std::string().swap(buffer_);
  } else {
    buffer_.clear();
  }
  clear_buffer_ = false;
  continued_ = false;
  in_append_ = false;
  secret_ = false;
  verb_ = Verb::kUnknown;
  line_start_ = 0;
  tag_.clear();
  tail_.clear();
  skipped_ = 0;
}

// Reads tag and verb from the start of a command, as far as they are there.
void CommandReader::Identify(std::string_view text) {
  const std::string_view tag = ReadTag(text);
  tag_.assign(tag.substr(0, tag.size() <= kMaxTag ? tag.npos : 0));
  verb_ = Verb::kUnknown;
  if (!tag.empty() && text.size() > tag.size()) {
    text.remove_prefix(tag.size() + 1);
    verb_ = VerbByName(text.substr(0, text.find(' ')));
  }
  secret_ = IsSecret(verb_);
}

CommandReader::Event CommandReader::Next(std::string_view* input) {
  for (;;) {
    if (clear_buffer_) Reset();
    Event event;
    switch (state_) {
      case State::kLine:
      case State::kAppendTail: {
        std::string_view line;
        const Took took = TakeLine(input, &line);
        if (took == Took::kPart) return Event();
        event = took == Took::kTooLong ? LineTooLong(*input) : Line(line);
        break;
      }
      case State::kLiteral:
        if (!TakeKept(input)) return Event();
        break;
      case State::kStream:
        return TakeStream(input);
      case State::kSkipLiteral:
      case State::kSkipLine:
        event = Skip(input);
        if (event.kind == Kind::kNeedInput && state_ != State::kLine) return event;
        break;
      case State::kAwaitAppend:
        // The caller did not decide: the safe decision.
        Refuse();
        break;
      case State::kDead:
        return Fatal();
    }
    if (event.kind != Kind::kNeedInput) return event;
  }
}

// Takes a line, without its end, into `line`: a view of the input where the line is whole there and nothing of the command
// was kept before, else of buffer_. kPart: there was no end, all went into buffer_. kTooLong: nothing was taken.
CommandReader::Took CommandReader::TakeLine(std::string_view* input, std::string_view* line) {
  const size_t end = input->find('\n');
  const std::string_view piece = input->substr(0, end);
  const size_t size = buffer_.size() - line_start_ + piece.size();
  // One octet more is allowed where it may be the CR.
  if (size > limits_.max_line) {
    const char last = piece.empty() ? buffer_.back() : piece.back();
    if (size > limits_.max_line + 1 || last != '\r') return Took::kTooLong;
  }
  if (end == input->npos) {
    buffer_.append(piece);
    input->remove_prefix(piece.size());
    return Took::kPart;
  }
  if (buffer_.empty()) {
    *line = WithoutCr(piece);
  } else {
    buffer_.append(piece);
    if (buffer_.size() > line_start_ && buffer_.back() == '\r') buffer_.pop_back();
    *line = std::string_view(buffer_).substr(line_start_);
  }
  input->remove_prefix(end + 1);
  return Took::kLine;
}

// False: more octets of the literal are needed.
bool CommandReader::TakeKept(std::string_view* input) {
  const auto size = static_cast<size_t>(std::min<uint64_t>(remaining_, input->size()));
  buffer_.append(input->substr(0, size));
  input->remove_prefix(size);
  remaining_ -= size;
  if (remaining_ > 0) return false;
  state_ = State::kLine;
  line_start_ = buffer_.size();
  return true;
}

CommandReader::Event CommandReader::Line(std::string_view line) {
  if (!continued_ && !in_append_) Identify(line);
  if (std::max(buffer_.size(), line.size()) > limits_.max_command) return CommandTooLarge(line);
  LiteralHeader literal;
  size_t header_size = 0;
  switch (ScanLiteralHeader(line, &literal, &header_size)) {
    case LiteralScan::kNone:
      break;
    case LiteralScan::kFound:
      return LiteralAnnounced(line, literal, header_size);
    case LiteralScan::kOverflow:
      literal.size = UINT64_MAX;
      return RefuseLiteral(Error::kLiteralTooLarge, line, literal);
  }
  Event event = Make(in_append_ ? Kind::kAppendEnd : Kind::kCommand);
  event.text = buffer_.empty() ? line : std::string_view(buffer_);
  state_ = State::kLine;
  clear_buffer_ = true;
  return event;
}

CommandReader::Event CommandReader::LiteralAnnounced(std::string_view line, const LiteralHeader& literal,
                                                     size_t header_size) {
  if (!literal.synchronizing && literal.size > limits_.max_non_synchronizing) {
    return RefuseLiteral(Error::kNonSyncTooLarge, line, literal);
  }
  if (in_append_) return StartAppend(line, literal, header_size);
  const std::string_view text = buffer_.empty() ? line : std::string_view(buffer_);
  // The first literal of APPEND is the mailbox's name where nothing stands before it; each other one is a message.
  if (verb_ == Verb::kAppend && !IsBeforeMailbox(text.substr(0, text.size() - header_size))) {
    return StartAppend(line, literal, header_size);
  }
  if (literal.size > limits_.max_literal) return RefuseLiteral(Error::kLiteralTooLarge, line, literal);
  if (text.size() + 2 + literal.size > limits_.max_command) return RefuseLiteral(Error::kCommandTooLarge, line, literal);
  return StartKeptLiteral(line, literal);
}

CommandReader::Event CommandReader::StartKeptLiteral(std::string_view line, const LiteralHeader& literal) {
  if (buffer_.empty()) buffer_.assign(line);
  buffer_.append("\r\n");
  continued_ = true;
  state_ = State::kLiteral;
  remaining_ = literal.size;
  if (!literal.synchronizing) return Event();
  Event event = Make(Kind::kContinuation);
  event.literal = literal;
  return event;
}

CommandReader::Event CommandReader::StartAppend(std::string_view line, const LiteralHeader& literal, size_t header_size) {
  if (buffer_.empty()) buffer_.assign(line);
  announced_ = literal;
  in_append_ = true;
  state_ = State::kAwaitAppend;
  Event event = Make(Kind::kAppendLiteral);
  event.literal = literal;
  event.text = std::string_view(buffer_).substr(0, buffer_.size() - header_size);
  return event;
}

void CommandReader::Accept() {
  if (state_ != State::kAwaitAppend) return;
  state_ = State::kStream;
  remaining_ = announced_.size;
  // The head has been parsed; the line behind the message stands alone.
  buffer_.clear();
  line_start_ = 0;
}

void CommandReader::Refuse() {
  switch (state_) {
    case State::kAwaitAppend:
      StartSkip(announced_);
      break;
    case State::kLiteral:
      // Only while it waits for the "+": of a synchronizing literal nothing has come yet.
      StartSkip(LiteralHeader{});
      break;
    case State::kStream:
      // What was accepted does come; it does not count as skipped.
      buffer_.clear();
      line_start_ = 0;
      state_ = State::kSkipLiteral;
      skipped_ = 0;
      break;
    case State::kAppendTail:
      tail_.assign(buffer_, buffer_.size() - std::min(buffer_.size(), kTailSize));
      buffer_.clear();
      line_start_ = 0;
      state_ = State::kSkipLine;
      skipped_ = 0;
      break;
    case State::kLine:
    case State::kSkipLiteral:
    case State::kSkipLine:
    case State::kDead:
      break;
  }
}

// RFC 3501, 7.5: a client that waits for "+" and gets a tagged answer does not send the literal: its next octets are a new
// command. RFC 7888, 4: a non-synchronizing one is on its way and must be read.
void CommandReader::StartSkip(const LiteralHeader& literal) {
  skipped_ = 0;
  if (literal.synchronizing) {
    state_ = State::kLine;
    clear_buffer_ = true;
    return;
  }
  if (secret_) Wipe(buffer_);
  buffer_.clear();
  line_start_ = 0;
  skipped_ = literal.size;
  remaining_ = literal.size;
  state_ = literal.size > limits_.max_skip ? State::kDead : State::kSkipLiteral;
}

CommandReader::Event CommandReader::RefuseLiteral(Error error, std::string_view line, const LiteralHeader& literal) {
  if (!continued_ && !in_append_) Identify(line);
  Event event = Make(Kind::kError);
  event.error = error;
  StartSkip(literal);
  return state_ == State::kDead ? Fatal() : event;
}

// The present line is too long; what is not in buffer_ of it begins at `rest` and is skipped.
CommandReader::Event CommandReader::LineTooLong(std::string_view rest) {
  const std::string_view held = std::string_view(buffer_).substr(line_start_);
  tail_.assign(held.substr(held.size() - std::min(held.size(), kTailSize)));
  if (!continued_ && !in_append_) {
    // The same octets however they came in pieces. Without a space among them there is no telling what is the tag.
    const size_t size = std::min<size_t>(limits_.max_line + 1, 2 * kMaxTag);
    std::string start = buffer_.substr(0, size);
    start.append(rest.substr(0, size - start.size()));
    if (start.find(' ') != start.npos) Identify(start);
  }
  skipped_ = 0;
  state_ = State::kSkipLine;
  return Drop(Error::kLineTooLong);
}

// All of the present line has been taken; it may still announce a literal, which then is to be skipped too.
CommandReader::Event CommandReader::CommandTooLarge(std::string_view line) {
  tail_.assign(line.substr(line.size() - std::min(line.size(), kTailSize)));
  skipped_ = 0;
  EndSkippedLine();
  return state_ == State::kDead ? Fatal() : Drop(Error::kCommandTooLarge);
}

CommandReader::Event CommandReader::Drop(Error error) {
  Event event = Make(Kind::kError);
  event.error = error;
  if (secret_) Wipe(buffer_);
  std::string().swap(buffer_);
  line_start_ = 0;
  return event;
}

// There is one way to die.
CommandReader::Event CommandReader::Fatal() {
  state_ = State::kDead;
  if (secret_) Wipe(buffer_);
  std::string().swap(buffer_);
  line_start_ = 0;
  Event event = Make(Kind::kFatal);
  event.error = Error::kSkipTooLarge;
  return event;
}

CommandReader::Event CommandReader::TakeStream(std::string_view* input) {
  if (remaining_ == 0) {
    state_ = State::kAppendTail;
    return Make(Kind::kAppendLiteralEnd);
  }
  if (input->empty()) return Event();
  Event event = Make(Kind::kAppendData);
  event.text = input->substr(0, static_cast<size_t>(std::min<uint64_t>(remaining_, input->size())));
  input->remove_prefix(event.text.size());
  remaining_ -= event.text.size();
  return event;
}

// kNeedInput with state_ kLine: the command is behind us.
CommandReader::Event CommandReader::Skip(std::string_view* input) {
  while (state_ == State::kSkipLiteral || state_ == State::kSkipLine) {
    if (state_ == State::kSkipLiteral) {
      const auto size = static_cast<size_t>(std::min<uint64_t>(remaining_, input->size()));
      input->remove_prefix(size);
      remaining_ -= size;
      if (remaining_ > 0) return Event();
      state_ = State::kSkipLine;
      tail_.clear();
      continue;
    }
    const size_t end = input->find('\n');
    const std::string_view piece = input->substr(0, end);
    skipped_ += piece.size();
    // Behind a literal of just max_skip there may be the rest of an ordinary line.
    if (skipped_ > limits_.max_skip + limits_.max_line) return Fatal();
    SkipTail(piece);
    if (end == input->npos) {
      input->remove_prefix(piece.size());
      return Event();
    }
    input->remove_prefix(end + 1);
    EndSkippedLine();
  }
  if (state_ == State::kDead) return Fatal();
  return Event();
}

void CommandReader::SkipTail(std::string_view octets) {
  if (octets.size() >= kTailSize) {
    tail_.assign(octets.substr(octets.size() - kTailSize));
    return;
  }
  tail_.append(octets);
  if (tail_.size() > kTailSize) tail_.erase(0, tail_.size() - kTailSize);
}

// RFC 7888, 3: each line's end must be looked at, or the octets of a literal would be read as commands.
void CommandReader::EndSkippedLine() {
  LiteralHeader literal;
  size_t header_size = 0;
  const LiteralScan scan = ScanLiteralHeader(WithoutCr(tail_), &literal, &header_size);
  tail_.clear();
  if (scan == LiteralScan::kNone || literal.synchronizing) {
    state_ = State::kLine;
    clear_buffer_ = true;
    return;
  }
  const uint64_t left = limits_.max_skip - std::min(limits_.max_skip, skipped_);
  if (scan == LiteralScan::kOverflow || literal.size > left) {
    state_ = State::kDead;
    return;
  }
  skipped_ += literal.size;
  remaining_ = literal.size;
  state_ = State::kSkipLiteral;
}

CommandReader::Event CommandReader::NextLine(std::string_view* input) {
  if (clear_buffer_) Reset();
  if (state_ == State::kDead) return Fatal();
  if (state_ == State::kSkipLine || state_ == State::kSkipLiteral) {
    Event event = Skip(input);
    if (event.kind != Kind::kNeedInput || state_ != State::kLine) return event;
    Reset();
  }
  secret_ = true;  // what answers a challenge is a credential; DONE loses nothing by it
  std::string_view line;
  switch (TakeLine(input, &line)) {
    case Took::kPart:
      return Event();
    case Took::kTooLong:
      tail_.clear();
      skipped_ = 0;
      state_ = State::kSkipLine;
      return Drop(Error::kLineTooLong);
    case Took::kLine:
      break;
  }
  Event event = Make(Kind::kLine);
  event.text = line;
  clear_buffer_ = true;
  return event;
}

}  // namespace mailmesh::imap
