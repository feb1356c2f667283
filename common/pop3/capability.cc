#include "common/pop3/capability.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <charconv>

#include "common/text/ascii.h"

namespace mailmesh::pop3 {
namespace {

using text::EqualsIgnoreAsciiCase;

constexpr size_t kMaxMechanisms = 64;
constexpr size_t kMaxMechanism = 20;  // RFC 4422, 3.1
constexpr size_t kMaxImplementation = 400;

struct Flag {
  std::string_view tag;
  bool Capabilities::* member;
};

constexpr Flag kFlags[] = {
    {"TOP", &Capabilities::top},
    {"USER", &Capabilities::user},
    {"UIDL", &Capabilities::uidl},
    {"PIPELINING", &Capabilities::pipelining},
    {"RESP-CODES", &Capabilities::resp_codes},
    {"AUTH-RESP-CODE", &Capabilities::auth_resp_code},
    {"STLS", &Capabilities::stls},
    {"LANG", &Capabilities::lang},
};

std::string_view TakeWord(std::string_view& text) {
  const size_t start = std::min(text.find_first_not_of(' '), text.size());
  const size_t end = std::min(text.find(' ', start), text.size());
  const std::string_view word = text.substr(start, end - start);
  text.remove_prefix(end);
  return word;
}

std::optional<Period> ParsePeriod(std::string_view text) {
  const std::string_view word = TakeWord(text);
  Period period;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), period.value);
  if (error != std::errc() || end != word.data() + word.size()) return std::nullopt;
  period.per_user = EqualsIgnoreAsciiCase(TakeWord(text), "USER");
  return period;
}

void AppendPeriod(std::string_view tag, const Period& period, std::string& out) {
  out.append(tag);
  absl::StrAppend(&out, " ", period.value, period.per_user ? " USER\r\n" : "\r\n");
}

void AppendList(const Capabilities& capabilities, std::string& out) {
  if (!capabilities.sasl.empty()) {
    out.append("SASL");
    for (const std::string& mechanism : capabilities.sasl) out.append(" ").append(mechanism);
    out.append("\r\n");
  }
  if (!capabilities.implementation.empty()) {
    out.append("IMPLEMENTATION ");
    for (char c : std::string_view(capabilities.implementation).substr(0, kMaxImplementation)) {
      out.push_back(c >= ' ' && c <= '~' ? c : '?');
    }
    out.append("\r\n");
  }
}

}  // namespace

bool Capabilities::HasMechanism(std::string_view mechanism) const {
  return std::any_of(sasl.begin(), sasl.end(),
                     [&](const std::string& own) { return EqualsIgnoreAsciiCase(own, mechanism); });
}

void AppendCapabilities(const Capabilities& capabilities, std::string& out) {
  for (const Flag& flag : kFlags) {
    if (capabilities.*flag.member) out.append(flag.tag).append("\r\n");
  }
  if (capabilities.utf8) out.append(capabilities.utf8_user ? "UTF8 USER\r\n" : "UTF8\r\n");
  if (capabilities.login_delay) AppendPeriod("LOGIN-DELAY", *capabilities.login_delay, out);
  if (capabilities.expire_never) {
    out.append("EXPIRE NEVER\r\n");
  } else if (capabilities.expire) {
    AppendPeriod("EXPIRE", *capabilities.expire, out);
  }
  AppendList(capabilities, out);
  out.append(".\r\n");
}

void ParseCapabilityLine(std::string_view line, Capabilities& out) {
  const std::string_view tag = TakeWord(line);
  for (const Flag& flag : kFlags) {
    if (EqualsIgnoreAsciiCase(tag, flag.tag)) out.*flag.member = true;
  }
  if (EqualsIgnoreAsciiCase(tag, "SASL")) {
    for (std::string_view word = TakeWord(line); !word.empty(); word = TakeWord(line)) {
      if (word.size() > kMaxMechanism || out.sasl.size() == kMaxMechanisms || out.HasMechanism(word)) continue;
      std::string& mechanism = out.sasl.emplace_back(word);
      for (char& c : mechanism) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - ('a' - 'A')) : c;
    }
  } else if (EqualsIgnoreAsciiCase(tag, "UTF8")) {
    out.utf8 = true;
    out.utf8_user = EqualsIgnoreAsciiCase(TakeWord(line), "USER");
  } else if (EqualsIgnoreAsciiCase(tag, "LOGIN-DELAY")) {
    out.login_delay = ParsePeriod(line);
  } else if (EqualsIgnoreAsciiCase(tag, "EXPIRE")) {
    std::string_view rest = line;
    out.expire_never = EqualsIgnoreAsciiCase(TakeWord(rest), "NEVER");
    if (!out.expire_never) out.expire = ParsePeriod(line);
  } else if (EqualsIgnoreAsciiCase(tag, "IMPLEMENTATION")) {
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    out.implementation = line.substr(0, kMaxImplementation);
  }
}

}  // namespace mailmesh::pop3
