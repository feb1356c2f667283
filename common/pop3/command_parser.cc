#include "common/pop3/command_parser.h"

#include <charconv>

#include "common/base/bytes.h"
#include "common/base/utf8.h"
#include "common/pop3/replies.h"
#include "common/text/ascii.h"

namespace mailmesh::pop3 {
namespace {

using Result = std::variant<Command, CannedReply>;

struct VerbEntry {
  Verb verb;
  std::string_view name;
};

constexpr VerbEntry kVerbs[] = {
    {Verb::kUser, "USER"}, {Verb::kPass, "PASS"}, {Verb::kApop, "APOP"}, {Verb::kStat, "STAT"}, {Verb::kList, "LIST"},
    {Verb::kRetr, "RETR"}, {Verb::kDele, "DELE"}, {Verb::kNoop, "NOOP"}, {Verb::kRset, "RSET"}, {Verb::kQuit, "QUIT"},
    {Verb::kTop, "TOP"},   {Verb::kUidl, "UIDL"}, {Verb::kCapa, "CAPA"}, {Verb::kStls, "STLS"}, {Verb::kAuth, "AUTH"},
    {Verb::kUtf8, "UTF8"}, {Verb::kLang, "LANG"},
};

constexpr size_t kMaxMechanism = 20;  // RFC 4422, 3.1
constexpr size_t kApopDigest = 32;    // RFC 1939, 7: MD5 in hexadecimal
constexpr size_t kMaxLanguage = 40;   // RFC 1939, 3: arguments

Verb FindVerb(std::string_view word) {
  for (const VerbEntry& entry : kVerbs) {
    if (text::EqualsIgnoreAsciiCase(word, entry.name)) return entry.verb;
  }
  return Verb::kOther;
}

// What a name or a password may hold: no control characters, and UTF-8 if it is not ASCII (RFC 6856, 2.2).
bool IsText(std::string_view text) {
  for (size_t pos = 0; pos < text.size();) {
    const size_t length = base::Utf8SequenceLength(text, pos);
    if (length == 0 || (length == 1 && (text[pos] < ' ' || text[pos] == 0x7F))) return false;
    pos += length;
  }
  return true;
}

// Digits and nothing else. A number that does not fit is still a number: there is just no such message.
std::optional<uint32_t> ParseNumber(std::string_view text) {
  if (text.empty() || text.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
  uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc::result_out_of_range ? UINT32_MAX : value;
}

// RFC 1939, 4: numbers start at 1, so 0 names nothing.
std::optional<MessageNumber> ParseMessageNumber(std::string_view text) {
  const std::optional<uint32_t> number = ParseNumber(text);
  return number == 0U ? kNoSuchNumber : number;
}

template <class T>
Result ParseBare(std::string_view argument) {
  if (!argument.empty()) return replies::kSyntaxError;
  return Command(T{});
}

template <class T>
Result ParseOne(std::string_view argument) {
  const std::optional<MessageNumber> number = ParseMessageNumber(argument);
  if (!number) return replies::kSyntaxError;
  return Command(T{*number});
}

template <class T>
Result ParseOptional(std::string_view argument) {
  if (argument.empty()) return Command(T{});
  return ParseOne<T>(argument);
}

Result ParseTop(std::string_view argument) {
  const size_t space = argument.find(' ');
  if (space == std::string_view::npos) return replies::kSyntaxError;
  const std::optional<MessageNumber> number = ParseMessageNumber(argument.substr(0, space));
  const std::optional<uint32_t> lines = ParseNumber(argument.substr(space + 1));
  if (!number || !lines) return replies::kSyntaxError;
  return Command(Top{*number, *lines});
}

// RFC 1939, 7: the argument is the whole rest of the line; spaces may be part of a name or a password.
Result ParseUser(std::string_view argument) {
  if (argument.empty() || !IsText(argument)) return replies::kSyntaxError;
  return Command(User{std::string(argument)});
}

Result ParsePass(std::string_view argument) {
  if (!IsText(argument)) return replies::kSyntaxError;
  return Command(Pass{base::Secret(std::string(argument))});
}

Result ParseApop(std::string_view argument) {
  const size_t space = argument.rfind(' ');
  if (space == std::string_view::npos || space == 0) return replies::kSyntaxError;
  const std::string_view digest = argument.substr(space + 1);
  if (digest.size() != kApopDigest || !base::HexDecode(digest) || !IsText(argument)) return replies::kSyntaxError;
  return Command(Apop{std::string(argument.substr(0, space)), base::Secret(std::string(digest))});
}

bool IsMechanism(std::string_view text) {
  if (text.empty() || text.size() > kMaxMechanism) return false;
  for (char c : text) {
    if (!(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') && c != '-' && c != '_') return false;
  }
  return true;
}

Result ParseAuth(std::string_view argument) {
  Auth auth;
  if (argument.empty()) return Command(std::move(auth));
  const size_t space = argument.find(' ');
  auth.mechanism = argument.substr(0, space);
  for (char& c : auth.mechanism) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - ('a' - 'A')) : c;
  if (!IsMechanism(auth.mechanism)) return replies::kSyntaxError;
  if (space != std::string_view::npos) {
    argument.remove_prefix(space + 1);
    // RFC 5034, 4: "=" is the empty response.
    std::optional<std::string> response = argument == "=" ? std::string() : base::Base64Decode(argument);
    if (!response) return replies::kBadBase64;
    auth.initial_response = base::Secret(*std::move(response));
  }
  return Command(std::move(auth));
}

// RFC 4647, 2.1 basic language range, or "*".
Result ParseLang(std::string_view argument) {
  const bool plain = argument.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") ==
                     std::string_view::npos;
  if (argument.size() > kMaxLanguage || (!plain && argument != "*")) return replies::kSyntaxError;
  return Command(Lang{std::string(argument)});
}

Result ParseArgument(Verb verb, std::string_view argument) {
  switch (verb) {
    case Verb::kUser:
      return ParseUser(argument);
    case Verb::kPass:
      return ParsePass(argument);
    case Verb::kApop:
      return ParseApop(argument);
    case Verb::kStat:
      return ParseBare<Stat>(argument);
    case Verb::kList:
      return ParseOptional<List>(argument);
    case Verb::kRetr:
      return ParseOne<Retr>(argument);
    case Verb::kDele:
      return ParseOne<Dele>(argument);
    case Verb::kNoop:
      return ParseBare<Noop>(argument);
    case Verb::kRset:
      return ParseBare<Rset>(argument);
    case Verb::kQuit:
      return ParseBare<Quit>(argument);
    case Verb::kTop:
      return ParseTop(argument);
    case Verb::kUidl:
      return ParseOptional<Uidl>(argument);
    case Verb::kCapa:
      return ParseBare<Capa>(argument);
    case Verb::kStls:
      return ParseBare<Stls>(argument);
    case Verb::kAuth:
      return ParseAuth(argument);
    case Verb::kUtf8:
      return ParseBare<Utf8>(argument);
    case Verb::kLang:
      return ParseLang(argument);
    case Verb::kOther:
      break;
  }
  return replies::kUnknownCommand;
}

}  // namespace

std::string_view VerbName(Verb verb) {
  for (const VerbEntry& entry : kVerbs) {
    if (entry.verb == verb) return entry.name;
  }
  return "other";
}

ParsedCommand ParseCommand(std::string_view line) {
  const size_t space = line.find(' ');
  const Verb verb = FindVerb(line.substr(0, space));
  std::string_view argument;
  if (space != std::string_view::npos) argument = line.substr(space + 1);
  // A password may end with a space; elsewhere white space at the end is forgiven.
  if (verb != Verb::kPass) {
    const size_t last = argument.find_last_not_of(' ');
    argument = argument.substr(0, last == std::string_view::npos ? 0 : last + 1);
  }
  return {verb, ParseArgument(verb, argument)};
}

AuthLine ParseAuthLine(std::string_view line) {
  if (line == "*") return {AuthLine::Kind::kCancel, {}};
  std::optional<std::string> response = base::Base64Decode(line);
  if (!response) return {AuthLine::Kind::kBad, {}};
  return {AuthLine::Kind::kResponse, base::Secret(*std::move(response))};
}

}  // namespace mailmesh::pop3
