#include "common/smtp/command_parser.h"

#include <charconv>
#include <optional>

#include "common/base/bytes.h"
#include "common/base/utf8.h"
#include "common/smtp/parameters.h"
#include "common/smtp/replies.h"
#include "common/text/ascii.h"

namespace mailmesh::smtp {
namespace {

using Result = std::variant<Command, CannedReply>;

struct VerbEntry {
  Verb verb;
  std::string_view name;
};

constexpr VerbEntry kVerbs[] = {
    {Verb::kHelo, "HELO"}, {Verb::kEhlo, "EHLO"}, {Verb::kLhlo, "LHLO"},         {Verb::kMail, "MAIL"},
    {Verb::kRcpt, "RCPT"}, {Verb::kData, "DATA"}, {Verb::kBdat, "BDAT"},         {Verb::kRset, "RSET"},
    {Verb::kNoop, "NOOP"}, {Verb::kQuit, "QUIT"}, {Verb::kVrfy, "VRFY"},         {Verb::kExpn, "EXPN"},
    {Verb::kHelp, "HELP"}, {Verb::kEtrn, "ETRN"}, {Verb::kStartTls, "STARTTLS"}, {Verb::kAuth, "AUTH"},
};

// RFC 5321, F.2 and F.6: known, and no longer to be implemented.
constexpr std::string_view kObsoleteVerbs[] = {"TURN", "SEND", "SOML", "SAML"};

constexpr size_t kMaxMechanism = 20;  // RFC 4422, 3.1

Verb FindVerb(std::string_view word) {
  for (const VerbEntry& entry : kVerbs) {
    if (text::EqualsIgnoreAsciiCase(word, entry.name)) return entry.verb;
  }
  return Verb::kOther;
}

bool IsObsolete(std::string_view word) {
  for (std::string_view verb : kObsoleteVerbs) {
    if (text::EqualsIgnoreAsciiCase(word, verb)) return true;
  }
  return false;
}

// Printable ASCII and, where it is allowed, UTF-8: what a free argument may hold.
bool IsText(std::string_view text, bool utf8) {
  for (size_t pos = 0; pos < text.size();) {
    if (text[pos] >= ' ' && text[pos] <= '~') {
      ++pos;
      continue;
    }
    const size_t length = base::Utf8SequenceLength(text, pos);
    if (!utf8 || length < 2) return false;
    pos += length;
  }
  return true;
}

// RFC 5321, 4.1.1.1. Names with underscores are not domains, but so many hosts have them that nobody can refuse them.
bool IsHelloName(std::string_view name) {
  if (IsAddressLiteral(name)) return true;
  std::string plain(name);
  for (char& c : plain) {
    if (c == '_') c = 'x';
  }
  return IsDomain(plain);
}

Result ParseHello(Verb verb, std::string_view argument) {
  const bool usable = !argument.empty() && argument.size() <= AddressOptions{}.max_domain && IsText(argument, true) &&
                      argument.find(' ') == std::string_view::npos;
  if (!usable) return replies::kBadHelloName;
  return Command(Hello{verb, std::string(argument), IsHelloName(argument)});
}

// "FROM:" or "TO:", and the spaces behind it which RFC 5321, 3.3 forbids and clients send.
bool SkipPrefix(std::string_view& argument, std::string_view prefix) {
  if (!text::StartsWithIgnoreAsciiCase(argument, prefix)) return false;
  argument.remove_prefix(prefix.size());
  argument.remove_prefix(std::min(argument.find_first_not_of(' '), argument.size()));
  return true;
}

Result ParseMail(std::string_view argument, const ParseOptions& options) {
  if (!SkipPrefix(argument, "FROM:")) return replies::kSyntaxError;
  AddressOptions address = options.address;
  // RFC 6531, 3.4: whether UTF-8 is allowed stands behind the path.
  address.utf8 = options.offered.Has(Extension::kSmtpUtf8);
  Mail mail;
  const AddressError error = TakeReversePath(argument, address, mail.reverse_path);
  if (error == AddressError::kUtf8NotAllowed) return replies::kSenderNeedsUtf8;
  if (error != AddressError::kNone) return replies::kBadSenderAddress;
  if (const CannedReply bad = ParseMailParameters(argument, options, mail); bad.code != 0) return bad;
  // RFC 6531, 3.5
  const bool ascii = mail.reverse_path.is_null() || mail.reverse_path.mailbox->IsAscii();
  if (!ascii && !mail.smtputf8) return replies::kSenderNeedsUtf8;
  return Command(std::move(mail));
}

Result ParseRcpt(std::string_view argument, const ParseOptions& options) {
  if (!SkipPrefix(argument, "TO:")) return replies::kSyntaxError;
  AddressOptions address = options.address;
  address.utf8 = options.utf8_transaction;
  Rcpt rcpt;
  const AddressError error = TakeForwardPath(argument, address, rcpt.forward_path);
  if (error == AddressError::kUtf8NotAllowed) return replies::kRecipientNeedsUtf8;
  if (error != AddressError::kNone) return replies::kBadRecipientAddress;
  if (const CannedReply bad = ParseRcptParameters(argument, options, rcpt); bad.code != 0) return bad;
  return Command(std::move(rcpt));
}

// RFC 3030, 2: chunk-size [SP "LAST"].
Result ParseBdat(std::string_view argument) {
  Bdat bdat;
  const char* end = argument.data() + argument.size();
  const auto [at, error] = std::from_chars(argument.data(), end, bdat.size);
  if (error != std::errc()) return replies::kSyntaxError;
  argument.remove_prefix(static_cast<size_t>(at - argument.data()));
  if (!argument.empty()) {
    if (!argument.starts_with(' ')) return replies::kSyntaxError;
    argument.remove_prefix(std::min(argument.find_first_not_of(' '), argument.size()));
    if (!text::EqualsIgnoreAsciiCase(argument, "LAST")) return replies::kSyntaxError;
    bdat.last = true;
  }
  return Command(bdat);
}

// RFC 4422, 3.1: upper-case letters, digits, hyphens and underscores.
std::optional<std::string> ParseMechanism(std::string_view word) {
  if (word.empty() || word.size() > kMaxMechanism) return std::nullopt;
  std::string out(word);
  for (char& c : out) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - ('a' - 'A'));
    if (!(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') && c != '-' && c != '_') return std::nullopt;
  }
  return out;
}

Result ParseAuth(std::string_view argument) {
  const size_t space = argument.find(' ');
  const std::optional<std::string> mechanism = ParseMechanism(argument.substr(0, space));
  if (!mechanism) return replies::kSyntaxError;
  Auth auth{*mechanism, std::nullopt};
  if (space != std::string_view::npos) {
    argument.remove_prefix(std::min(argument.find_first_not_of(' ', space), argument.size()));
    // RFC 4954, 4: "=" is the empty response.
    std::optional<std::string> response = argument == "=" ? std::string() : base::Base64Decode(argument);
    if (!response) return replies::kBadBase64;
    auth.initial_response = base::Secret(*std::move(response));
  }
  return Command(std::move(auth));
}

// RFC 6531, 3.7.4.2: VRFY and EXPN may end in SMTPUTF8.
template <class T>
Result ParseLookup(std::string_view argument, const ParseOptions& options) {
  constexpr std::string_view kFlag = " SMTPUTF8";
  T lookup;
  if (options.offered.Has(Extension::kSmtpUtf8) && argument.size() > kFlag.size() &&
      text::EqualsIgnoreAsciiCase(argument.substr(argument.size() - kFlag.size()), kFlag)) {
    lookup.smtputf8 = true;
    argument.remove_suffix(kFlag.size());
  }
  if (argument.empty() || !IsText(argument, lookup.smtputf8)) return replies::kSyntaxError;
  lookup.argument = argument;
  return Command(std::move(lookup));
}

// RFC 5321, 4.1.1: commands without parameters say 501 to one.
template <class T>
Result ParseBare(std::string_view argument) {
  if (!argument.empty()) return replies::kNoArgumentsAllowed;
  return Command(T{});
}

Result ParseArgument(Verb verb, std::string_view argument, const ParseOptions& options) {
  switch (verb) {
    case Verb::kHelo:
    case Verb::kEhlo:
    case Verb::kLhlo:
      return ParseHello(verb, argument);
    case Verb::kMail:
      return ParseMail(argument, options);
    case Verb::kRcpt:
      return ParseRcpt(argument, options);
    case Verb::kData:
      return ParseBare<Data>(argument);
    case Verb::kBdat:
      return ParseBdat(argument);
    case Verb::kRset:
      return ParseBare<Rset>(argument);
    case Verb::kNoop:
      return Command(Noop{});  // RFC 5321, 4.1.1.9: a parameter is ignored
    case Verb::kQuit:
      return ParseBare<Quit>(argument);
    case Verb::kVrfy:
      return ParseLookup<Vrfy>(argument, options);
    case Verb::kExpn:
      return ParseLookup<Expn>(argument, options);
    case Verb::kHelp:
      if (!IsText(argument, true)) return replies::kSyntaxError;
      return Command(Help{std::string(argument)});
    case Verb::kEtrn:
      if (argument.empty() || !IsText(argument, false)) return replies::kSyntaxError;
      return Command(Etrn{std::string(argument)});
    case Verb::kStartTls:
      return ParseBare<StartTls>(argument);
    case Verb::kAuth:
      return ParseAuth(argument);
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

ParsedCommand ParseCommand(std::string_view line, const ParseOptions& options) {
  // RFC 5321, 4.1.1: receivers should tolerate trailing white space.
  const size_t last = line.find_last_not_of(" \t");
  line = line.substr(0, last == std::string_view::npos ? 0 : last + 1);
  const size_t space = line.find(' ');
  const std::string_view word = line.substr(0, space);
  std::string_view argument;
  if (space != std::string_view::npos) argument = line.substr(line.find_first_not_of(' ', space));

  const Verb verb = FindVerb(word);
  if (verb == Verb::kOther) {
    return {verb, IsObsolete(word) ? Result(replies::kNotImplemented) : Result(replies::kUnknownCommand)};
  }
  return {verb, ParseArgument(verb, argument, options)};
}

}  // namespace mailmesh::smtp
