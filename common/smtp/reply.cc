#include "common/smtp/reply.h"

#include <absl/strings/str_cat.h>

#include <algorithm>

#include "common/smtp/line_limits.h"

namespace mailmesh::smtp {
namespace {

// Takes as much of `text` as fits one line, rather at a space and never inside a UTF-8 sequence.
std::string_view TakePiece(std::string_view& text, size_t room) {
  size_t length = text.size();
  if (length > room) {
    length = text.rfind(' ', room);
    if (length == std::string_view::npos || length == 0) {
      length = room;
      while (length > 1 && (static_cast<unsigned char>(text[length]) & 0xC0) == 0x80) --length;
    }
  }
  const std::string_view piece = text.substr(0, length);
  text.remove_prefix(length);
  if (text.starts_with(' ')) text.remove_prefix(1);
  return piece;
}

void AppendText(std::string_view text, std::string& out) {
  const size_t from = out.size();
  out.append(text);
  // Nothing that came from a peer may end the line early.
  std::replace_if(
      out.begin() + static_cast<std::ptrdiff_t>(from), out.end(),
      [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7F; }, '?');
}

void AppendOne(uint16_t code, std::string_view enhanced, std::string_view text, bool last, std::string& out) {
  const size_t room = kReplyLine - 6 - enhanced.size();  // code, separator, CRLF
  do {
    const std::string_view piece = TakePiece(text, room);
    absl::StrAppend(&out, code);
    out.push_back(last && text.empty() ? ' ' : '-');
    out.append(enhanced);
    AppendText(piece, out);
    out.append("\r\n");
  } while (!text.empty());
}

std::string EnhancedPrefix(uint16_t code, EnhancedStatus enhanced, bool with_enhanced) {
  // RFC 2034, 4: 3yz replies have none.
  if (!with_enhanced || !enhanced.has_value() || code / 100 == 3) return "";
  return ToString(enhanced) + " ";
}

}  // namespace

std::string Reply::ToString() const {
  std::string out = absl::StrCat(code);
  if (enhanced.has_value()) absl::StrAppend(&out, " ", smtp::ToString(enhanced));
  for (const std::string& line : lines) {
    out.push_back(' ');
    AppendText(line, out);
  }
  return out;
}

void AppendReply(const Reply& reply, bool with_enhanced, std::string& out) {
  const std::string enhanced = EnhancedPrefix(reply.code, reply.enhanced, with_enhanced);
  if (reply.lines.empty()) return AppendOne(reply.code, enhanced, "", true, out);
  for (size_t i = 0; i < reply.lines.size(); ++i) {
    AppendOne(reply.code, enhanced, reply.lines[i], i + 1 == reply.lines.size(), out);
  }
}

void AppendReply(const CannedReply& reply, bool with_enhanced, std::string& out) {
  AppendOne(reply.code, EnhancedPrefix(reply.code, reply.enhanced, with_enhanced), reply.text, true, out);
}

}  // namespace mailmesh::smtp
