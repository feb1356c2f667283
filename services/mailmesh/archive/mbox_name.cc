// Names of mbox files, "From " lines, and the field that makes reading back exact.
#include <charconv>
#include <map>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "common/base/status.h"
#include "common/imap/mailbox_name.h"
#include "services/mailmesh/archive/mbox.h"

namespace mailmesh::archive {
namespace {

constexpr std::string_view kSuffix = ".mbox";
constexpr size_t kMaxFileName = 255;

std::string EscapeLevel(std::string_view level) {
  std::string out;
  for (size_t i = 0; i < level.size(); ++i) {
    const auto octet = static_cast<unsigned char>(level[i]);
    if (octet < 0x20 || octet == 0x7f || octet == '%' || (octet == '.' && i == 0)) {
      absl::StrAppendFormat(&out, "%%%02X", octet);
    } else {
      out += level[i];
    }
  }
  return out;
}

int HexDigit(char c) {
  return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

std::string Unescape(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && HexDigit(text[i + 1]) >= 0 && HexDigit(text[i + 2]) >= 0) {
      out += static_cast<char>(HexDigit(text[i + 1]) * 16 + HexDigit(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

}  // namespace

absl::StatusOr<std::string> MboxFileName(std::string_view mailbox) {
  std::vector<std::string> levels;
  for (const auto level : absl::StrSplit(absl::string_view(mailbox.data(), mailbox.size()), '/')) {
    levels.push_back(EscapeLevel(std::string_view(level.data(), level.size())));
    if (levels.back().size() + kSuffix.size() > kMaxFileName) {
      return absl::InvalidArgumentError(absl::StrCat("the name is too long for a file: ", std::string(mailbox)));
    }
  }
  return absl::StrCat(absl::StrJoin(levels, "/"), ".mbox");
}

std::string MailboxOfMboxFile(std::string_view path) {
  if (path.ends_with(kSuffix)) path.remove_suffix(kSuffix.size());
  return imap::CanonicalMailboxName(Unescape(path));
}

std::string FormatMboxMarker(const MboxMarker& marker) {
  return absl::StrCat("lines=", marker.lines, " octets=", marker.octets, " ends=", marker.ends == LineEnds::kAsIs ? "raw" : "crlf",
                      " date=", marker.facts.date_seconds, " zone=", marker.facts.zone_minutes,
                      " flags=", absl::StrJoin(marker.facts.flags, " "));
}

std::optional<MboxMarker> ParseMboxMarker(std::string_view value) {
  MboxMarker marker;
  // The flags come last: their names have no spaces, and anything else may be added before them.
  constexpr std::string_view kFlags = " flags=";
  const size_t flags = value.find(kFlags);
  if (flags == std::string_view::npos) return std::nullopt;
  const std::string listed(value.substr(flags + kFlags.size()));
  for (const auto flag : absl::StrSplit(listed, ' ', absl::SkipEmpty())) marker.facts.flags.emplace_back(flag);
  std::map<std::string, std::string> values;
  const std::string before(value.substr(0, flags));
  for (const auto pair : absl::StrSplit(before, ' ', absl::SkipEmpty())) {
    values.insert(absl::StrSplit(pair, absl::MaxSplits('=', 1)));
  }
  if (!absl::SimpleAtoi(values["lines"], &marker.lines) || !absl::SimpleAtoi(values["octets"], &marker.octets) ||
      !absl::SimpleAtoi(values["date"], &marker.facts.date_seconds) ||
      !absl::SimpleAtoi(values["zone"], &marker.facts.zone_minutes) || marker.lines == 0 || !IsStorable(marker.facts)) {
    return std::nullopt;
  }
  if (values["ends"] != "raw" && values["ends"] != "crlf") return std::nullopt;
  marker.ends = values["ends"] == "raw" ? LineEnds::kAsIs : LineEnds::kLf;
  return marker;
}

int64_t DateOfFromLine(std::string_view line) {
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.remove_suffix(1);
  // asctime(3) has 24 characters; some programs put a zone after it, or before the year.
  constexpr size_t kAsctime = 24;
  for (const char* format : {"%a %b %d %H:%M:%S %Y", "%a %b %d %H:%M:%S %Y %z", "%a %b %d %H:%M:%S %z %Y"}) {
    for (size_t length = kAsctime - 1; length <= kAsctime + 6 && length <= line.size(); ++length) {
      absl::Time time;
      const std::string text(line.substr(line.size() - length));
      if (!absl::ParseTime(format, text, &time, nullptr)) continue;
      // ParseTime takes "infinite-future", too.
      if (const int64_t seconds = absl::ToUnixSeconds(time); IsStorable({{}, seconds, 0})) return seconds;
    }
  }
  return 0;
}

}  // namespace mailmesh::archive
