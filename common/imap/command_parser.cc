#include "common/imap/command_parser.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/imap/chars.h"
#include "common/imap/parse.h"

namespace mailmesh::imap {
namespace {

using internal::Scanner;

constexpr const char* kUnknownCommand = "Unknown command";

// Emplaces the struct of a command and parses its arguments into it.
template <class T, class... Args>
bool Into(Scanner& in, Command* out, bool (*parse)(Scanner&, Args..., T*), Args... args) {
  return parse(in, args..., &out->emplace<T>());
}

template <class T>
bool OneMailbox(Scanner& in, Command* out) {
  return internal::ParseOneMailbox(in, &out->emplace<T>().mailbox);
}

template <class T>
bool Nothing(Command* out) {
  out->emplace<T>();
  return true;
}

template <class T>
bool SetAndMailbox(Scanner& in, bool uid, Command* out) {
  T& command = out->emplace<T>();
  command.uid = uid;
  return internal::ParseSetAndMailbox(in, &command.set, &command.mailbox);
}

bool SelectOrExamine(Scanner& in, bool read_only, Command* out) {
  Select& command = out->emplace<Select>();
  command.read_only = read_only;
  return internal::ParseSelect(in, &command);
}

// RFC 3501, 6.4.8; RFC 4315; RFC 5256; RFC 6851.
bool HasUidForm(Verb verb) {
  switch (verb) {
    case Verb::kCopy:
    case Verb::kExpunge:
    case Verb::kFetch:
    case Verb::kMove:
    case Verb::kSearch:
    case Verb::kSort:
    case Verb::kStore:
    case Verb::kThread:
      return true;
    default:
      return false;
  }
}

// The commands that have a UID form.
bool ParseMessageCommand(Scanner& in, Verb verb, bool uid, const ParseOptions& options, Command* out) {
  const auto with_uid = [uid](auto& command) -> auto& {
    command.uid = uid;
    return command;
  };
  switch (verb) {
    case Verb::kCopy:
      return SetAndMailbox<Copy>(in, uid, out);
    case Verb::kMove:
      return SetAndMailbox<Move>(in, uid, out);
    case Verb::kExpunge:
      return internal::ParseExpunge(in, uid, &out->emplace<Expunge>());
    case Verb::kFetch:
      return internal::ParseFetch(in, &with_uid(out->emplace<Fetch>()));
    case Verb::kStore:
      return internal::ParseStore(in, &with_uid(out->emplace<Store>()));
    case Verb::kSearch:
      return internal::ParseSearch(in, options.search, &with_uid(out->emplace<Search>()));
    case Verb::kSort:
      return internal::ParseSort(in, options.search, &with_uid(out->emplace<Sort>()));
    case Verb::kThread:
      return internal::ParseThread(in, options.search, &with_uid(out->emplace<Thread>()));
    default:
      return in.Fail(kUnknownCommand);
  }
}

bool ParseArguments(Scanner& in, Verb verb, bool uid, const ParseOptions& options, Command* out) {
  switch (verb) {
    case Verb::kCapability:
      return Nothing<Capability>(out);
    case Verb::kNoop:
      return Nothing<Noop>(out);
    case Verb::kLogout:
      return Nothing<Logout>(out);
    case Verb::kStartTls:
      return Nothing<StartTls>(out);
    case Verb::kCheck:
      return Nothing<Check>(out);
    case Verb::kClose:
      return Nothing<Close>(out);
    case Verb::kUnselect:
      return Nothing<Unselect>(out);
    case Verb::kNamespace:
      return Nothing<Namespace>(out);
    case Verb::kIdle:
      return Nothing<Idle>(out);
    case Verb::kId:
      return Into<Id>(in, out, internal::ParseId);
    case Verb::kAuthenticate:
      return Into<Authenticate>(in, out, internal::ParseAuthenticate);
    case Verb::kLogin:
      return Into<Login>(in, out, internal::ParseLogin);
    case Verb::kEnable:
      return Into<Enable>(in, out, internal::ParseEnable);
    case Verb::kSelect:
    case Verb::kExamine:
      return SelectOrExamine(in, verb == Verb::kExamine, out);
    case Verb::kCreate:
      return Into<Create>(in, out, internal::ParseCreate);
    case Verb::kDelete:
      return OneMailbox<Delete>(in, out);
    case Verb::kRename:
      return Into<Rename>(in, out, internal::ParseRename);
    case Verb::kSubscribe:
      return OneMailbox<Subscribe>(in, out);
    case Verb::kUnsubscribe:
      return OneMailbox<Unsubscribe>(in, out);
    case Verb::kStatus:
      return Into<Status>(in, out, internal::ParseStatus);
    case Verb::kList:
      return Into<List>(in, out, internal::ParseList);
    case Verb::kLsub:
      return Into<Lsub>(in, out, internal::ParseLsub);
    case Verb::kGetQuota:
      return Into<GetQuota>(in, out, internal::ParseGetQuota);
    case Verb::kGetQuotaRoot:
      return OneMailbox<GetQuotaRoot>(in, out);
    case Verb::kSetQuota:
      return Into<SetQuota>(in, out, internal::ParseSetQuota);
    case Verb::kAppend:
      return in.Fail("APPEND needs a message");
    case Verb::kCopy:
    case Verb::kMove:
    case Verb::kExpunge:
    case Verb::kFetch:
    case Verb::kStore:
    case Verb::kSearch:
    case Verb::kSort:
    case Verb::kThread:
      return ParseMessageCommand(in, verb, uid, options, out);
    case Verb::kUnknown:
    case Verb::kUid:
    case Verb::kCount:
      break;
  }
  return in.Fail(kUnknownCommand);
}

// Reads tag and verb. False: `parsed` has the error.
bool TakeVerb(Scanner& in, std::string_view text, ParsedCommand* parsed) {
  const std::string_view tag = ReadTag(text);
  if (tag.empty()) {
    parsed->command = absl::InvalidArgumentError("Missing or invalid tag");
    return false;
  }
  parsed->tag.assign(tag);
  std::string_view name;
  if (!in.Space() || !in.Atom(&name)) {
    parsed->command = absl::InvalidArgumentError("Missing command");
    return false;
  }
  parsed->verb = VerbByName(name);
  if (parsed->verb == Verb::kUid) {
    if (!in.Space() || !in.Atom(&name)) {
      parsed->command = in.status();
      return false;
    }
    parsed->uid = true;
    parsed->verb = VerbByName(name);
    if (!HasUidForm(parsed->verb)) parsed->verb = Verb::kUnknown;
  }
  if (parsed->verb != Verb::kUnknown) return true;
  parsed->command = absl::UnimplementedError(kUnknownCommand);
  return false;
}

std::string_view BehindTag(std::string_view text) { return text.substr(ReadTag(text).size()); }

}  // namespace

std::string_view ReadTag(std::string_view text) {
  size_t size = 0;
  while (size < text.size() && internal::Is(text[size], internal::kTagChar)) ++size;
  // Cut off in the middle, or followed by what no tag can be followed by: it is no tag that one may answer with.
  return size < text.size() && text[size] != ' ' ? std::string_view() : text.substr(0, size);
}

ParsedCommand ParseCommand(std::string_view text, const ParseOptions& options) {
  ParsedCommand parsed;
  Scanner in(BehindTag(text), options.utf8_accept);
  if (!TakeVerb(in, text, &parsed)) return parsed;
  parsed.command.emplace();
  if (!ParseArguments(in, parsed.verb, parsed.uid, options, &*parsed.command) || !in.End()) parsed.command = in.status();
  return parsed;
}

ParsedCommand ParseAppend(std::string_view head, const LiteralHeader& literal, const ParseOptions& options) {
  ParsedCommand parsed;
  Scanner in(BehindTag(head), options.utf8_accept);
  if (!TakeVerb(in, head, &parsed)) return parsed;
  Append append;
  append.message.size = literal.size;
  append.message.binary = literal.binary;
  if (parsed.verb != Verb::kAppend) {
    parsed.command = absl::InvalidArgumentError("Not an APPEND");
  } else if (internal::ParseAppendHead(in, &append)) {
    parsed.command = std::move(append);
  } else {
    parsed.command = in.status();
  }
  return parsed;
}

std::string RedactCommand(std::string_view text) {
  const std::string_view tag = ReadTag(text);
  if (tag.empty() || tag.size() == text.size()) return std::string(text);
  const std::string_view behind = text.substr(tag.size() + 1);
  const std::string_view verb = behind.substr(0, behind.find(' '));
  if (!IsSecret(VerbByName(verb))) return std::string(text);
  return absl::StrCat(std::string(tag), " ", std::string(verb), " ***");
}

}  // namespace mailmesh::imap
