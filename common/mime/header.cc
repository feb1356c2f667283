#include "common/mime/header.h"

#include <algorithm>
#include <cstring>

#include "common/text/ascii.h"
#include "common/text/utf8_repair.h"

namespace mailmesh::mime {
namespace {

constexpr bool IsBlank(char c) { return c == ' ' || c == '\t'; }

// The offset after the line end, or the end of the octets.
size_t AfterLine(std::string_view octets, size_t from) {
  const void* lf = std::memchr(octets.data() + from, '\n', octets.size() - from);
  return lf == nullptr ? octets.size() : static_cast<size_t>(static_cast<const char*>(lf) - octets.data()) + 1;
}

// 0: no line end there.
size_t LineEndSize(std::string_view octets, size_t at) {
  if (at < octets.size() && octets[at] == '\n') return 1;
  if (at + 1 < octets.size() && octets[at] == '\r' && octets[at + 1] == '\n') return 2;
  return 0;
}

std::string_view WithoutLineEnd(std::string_view line) {
  if (!line.empty() && line.back() == '\n') {
    line.remove_suffix(1);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  }
  return line;
}

constexpr std::string_view kKnownNames[] = {
    "date", "from", "sender", "to", "cc", "bcc", "subject", "message-id", "received", "return-path", "delivered-to",
    "mime-version", "content-type"};
static_assert(std::size(kKnownNames) == static_cast<size_t>(KnownField::kCount));

}  // namespace

bool HeaderReader::Next(HeaderField* field) {
  if (ended_ || offset_ >= block_.size()) return false;
  if (const size_t blank = LineEndSize(block_, offset_); blank > 0) {
    offset_ += blank;
    ended_ = true;
    return false;
  }
  const size_t first_end = AfterLine(block_, offset_);
  size_t end = first_end;
  while (end < block_.size() && IsBlank(block_[end])) end = AfterLine(block_, end);

  field->offset = offset_;
  field->raw = block_.substr(offset_, end - offset_);
  const std::string_view content = WithoutLineEnd(field->raw);
  const std::string_view first_line = content.substr(0, first_end - offset_);
  const void* colon = IsBlank(first_line.front()) ? nullptr : std::memchr(first_line.data(), ':', first_line.size());
  field->has_colon = colon != nullptr;
  if (field->has_colon) {
    const size_t at = static_cast<size_t>(static_cast<const char*>(colon) - first_line.data());
    field->name = first_line.substr(0, at);
    // RFC 5322, 4.5: obsolete fields may have white space before the colon.
    while (!field->name.empty() && IsBlank(field->name.back())) field->name.remove_suffix(1);
    field->value = content.substr(at + 1);
  } else {
    field->name = WithoutLineEnd(first_line);
    field->value = {};
  }
  offset_ = end;
  return true;
}

const HeaderField* HeaderBlock::Find(std::string_view name) const {
  for (const HeaderField& field : fields) {
    if (NameEquals(field.name, name)) return &field;
  }
  return nullptr;
}

HeaderBlock ScanHeader(std::string_view octets, size_t max_fields) {
  HeaderBlock block;
  HeaderReader reader(octets);
  HeaderField field;
  while (reader.Next(&field)) {
    if (block.fields.size() < max_fields) {
      block.fields.push_back(field);
    } else {
      block.truncated = true;
    }
  }
  block.size = reader.offset();
  block.complete = reader.ended();
  return block;
}

size_t FindHeaderEnd(std::string_view octets) {
  size_t line = 0;
  while (line < octets.size()) {
    if (const size_t blank = LineEndSize(octets, line); blank > 0) return line + blank;
    line = AfterLine(octets, line);
  }
  return std::string_view::npos;
}

std::string Unfold(std::string_view value) {
  std::string out(value);
  std::erase_if(out, [](char c) { return c == '\r' || c == '\n'; });
  return out;
}

std::string HeaderText(std::string_view value) {
  std::string out;
  out.reserve(value.size());
  bool line_start = false;
  for (const char c : value) {
    if (c == '\r' || c == '\n') {
      line_start = line_start || c == '\n';
      continue;
    }
    if (!(out.empty() && IsBlank(c))) out += line_start && c == '\t' ? ' ' : c == '\0' ? '\x80' : c;
    line_start = false;
  }
  return out;
}

bool NameEquals(std::string_view a, std::string_view b) { return text::EqualsIgnoreAsciiCase(a, b); }

void HeaderScanner::Feed(std::string_view octets) {
  while (!octets.empty() && state_ != State::kBody) {
    size_t taken = 0;
    switch (state_) {
      case State::kLineStart:
      case State::kLineStartCr: taken = TakeLineStart(octets); break;
      case State::kName: taken = TakeName(octets); break;
      case State::kValue: taken = TakeValue(octets); break;
      case State::kBody: break;
    }
    size_ += taken;
    octets.remove_prefix(taken);
  }
}

size_t HeaderScanner::TakeLineStart(std::string_view rest) {
  const char c = rest.front();
  if (c == '\n') {
    state_ = State::kBody;
    return 1;
  }
  if (state_ == State::kLineStartCr) {
    // The CR was no line end but the first octet of a name that we cannot know.
    line_ = 1;
    name_size_ = 1;
    name_[0] = '\r';
    state_ = State::kName;
    return 0;
  }
  line_ = 0;
  name_size_ = 0;
  last_cr_ = false;
  if (c == '\r') {
    last_cr_ = true;
    state_ = State::kLineStartCr;
    return 1;
  }
  state_ = IsBlank(c) ? State::kValue : State::kName;
  return 0;
}

size_t HeaderScanner::TakeName(std::string_view rest) {
  size_t i = 0;
  for (; i < rest.size(); ++i) {
    const char c = rest[i];
    if (c == ':' || c == '\n') break;
    has_8bit_ |= static_cast<uint8_t>(c) >= 0x80;
    if (name_size_ < kNameMax) name_[name_size_++] = c;
    last_cr_ = c == '\r';
  }
  line_ += i;
  if (i == rest.size()) return i;
  if (rest[i] == ':') {
    EndName();
    last_cr_ = false;
    ++line_;
    state_ = State::kValue;
  } else {
    ++fields_;
    EndLine(line_);
  }
  return i + 1;
}

size_t HeaderScanner::TakeValue(std::string_view rest) {
  const size_t end = AfterLine(rest, 0);
  const bool complete = rest[end - 1] == '\n';
  const std::string_view content = rest.substr(0, complete ? end - 1 : end);
  has_8bit_ = has_8bit_ || !text::IsAscii(content);
  if (!content.empty()) last_cr_ = content.back() == '\r';
  line_ += content.size();
  if (complete) EndLine(line_);
  return end;
}

void HeaderScanner::EndName() {
  ++fields_;
  std::string_view name(name_.data(), name_size_);
  while (!name.empty() && IsBlank(name.back())) name.remove_suffix(1);
  for (size_t i = 0; i < std::size(kKnownNames); ++i) {
    if (NameEquals(name, kKnownNames[i])) {
      ++counts_[i];
      return;
    }
  }
}

void HeaderScanner::EndLine(uint64_t length) {
  longest_line_ = std::max(longest_line_, length - (last_cr_ && length > 0 ? 1 : 0));
  last_cr_ = false;
  state_ = State::kLineStart;
}

}  // namespace mailmesh::mime
