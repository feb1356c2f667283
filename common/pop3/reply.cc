#include "common/pop3/reply.h"

#include <algorithm>

#include "common/base/bytes.h"
#include "common/text/ascii.h"

namespace mailmesh::pop3 {
namespace {

constexpr std::string_view kOk = "+OK";
constexpr std::string_view kErr = "-ERR";

void AppendPrefix(bool ok, std::string_view code, std::string& out) {
  out.append(ok ? kOk : kErr);
  if (!code.empty()) out.append(" [").append(code).append("]");
}

// A status line without its CRLF, cut to what RFC 2449, 4 allows.
void AppendLine(bool ok, std::string_view code, std::string_view text, std::string& out) {
  const size_t from = out.size();
  AppendPrefix(ok, code, out);
  if (!text.empty()) out.append(" ").append(text);
  std::replace_if(
      out.begin() + static_cast<std::ptrdiff_t>(from), out.end(),
      [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7F; }, '?');
  size_t length = std::min(out.size() - from, kMaxReplyLine - 2);
  while (from + length < out.size() && (static_cast<unsigned char>(out[from + length]) & 0xC0) == 0x80) --length;
  out.resize(from + length);
}

// RFC 2449, 8: "[" resp-level *("/" resp-level) "]" at the very front of the text.
std::string_view TakeCode(std::string_view& text) {
  if (!text.starts_with('[')) return {};
  const size_t end = text.find(']');
  if (end == std::string_view::npos) return {};
  const std::string_view code = text.substr(1, end - 1);
  const auto is_rchar = [](char c) { return c > ' ' && c != '['; };
  if (code.empty() || !std::all_of(code.begin(), code.end(), is_rchar)) return {};
  text.remove_prefix(end + 1);
  if (text.starts_with(' ')) text.remove_prefix(1);
  return code;
}

}  // namespace

bool Reply::HasCode(std::string_view wanted) const {
  if (!text::StartsWithIgnoreAsciiCase(code, wanted)) return false;
  return code.size() == wanted.size() || code[wanted.size()] == '/';
}

std::string Reply::ToString() const {
  std::string out;
  AppendLine(ok, code, text, out);
  return out;
}

void AppendReply(const Reply& reply, std::string& out) {
  AppendLine(reply.ok, reply.code, reply.text, out);
  out.append("\r\n");
}

void AppendReply(const CannedReply& reply, std::string& out) {
  AppendLine(reply.ok, reply.code, reply.text, out);
  out.append("\r\n");
}

void AppendChallenge(std::string_view challenge, std::string& out) {
  out.append("+ ").append(base::Base64Encode(challenge)).append("\r\n");
}

std::optional<Reply> ParseReply(std::string_view line) {
  Reply reply;
  // RFC 1939, 3: upper case; who is sloppy there means the same.
  if (text::StartsWithIgnoreAsciiCase(line, kOk)) {
    reply.ok = true;
    line.remove_prefix(kOk.size());
  } else if (text::StartsWithIgnoreAsciiCase(line, kErr)) {
    line.remove_prefix(kErr.size());
  } else {
    return std::nullopt;
  }
  if (!line.empty() && line.front() != ' ' && line.front() != '\t') return std::nullopt;
  if (!line.empty()) line.remove_prefix(1);
  reply.code = TakeCode(line);
  reply.text = line;
  return reply;
}

std::optional<std::string> GreetingTimestamp(const Reply& greeting) {
  // RFC 1939, 7 APOP: a msg-id of RFC 822, so there is an "@" in it.
  const size_t open = greeting.text.find('<');
  if (!greeting.ok || open == std::string::npos) return std::nullopt;
  const size_t close = greeting.text.find('>', open);
  if (close == std::string::npos) return std::nullopt;
  std::string stamp = greeting.text.substr(open, close - open + 1);
  const auto is_vchar = [](char c) { return c > ' ' && c <= '~'; };
  if (stamp.find('@') == std::string::npos || !std::all_of(stamp.begin(), stamp.end(), is_vchar)) return std::nullopt;
  return stamp;
}

std::optional<std::string> ParseChallenge(std::string_view line) {
  if (!line.starts_with('+')) return std::nullopt;
  line.remove_prefix(1);
  if (line.starts_with(' ')) line.remove_prefix(1);
  return base::Base64Decode(line);
}

}  // namespace mailmesh::pop3
