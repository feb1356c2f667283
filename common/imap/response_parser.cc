#include "common/imap/response_parser.h"

#include <charconv>
#include <utility>

#include "absl/status/status.h"
#include "common/imap/chars.h"
#include "common/imap/mailbox_name.h"
#include "common/imap/value_parser.h"

namespace mailmesh::imap {
namespace {

using internal::EqualsUpper;

absl::Status Bad(const char* text) { return absl::InvalidArgumentError(text); }

std::optional<uint64_t> ParseNumber(std::string_view text) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<Condition> ConditionByName(std::string_view name) {
  if (EqualsUpper(name, "OK")) return Condition::kOk;
  if (EqualsUpper(name, "NO")) return Condition::kNo;
  if (EqualsUpper(name, "BAD")) return Condition::kBad;
  if (EqualsUpper(name, "PREAUTH")) return Condition::kPreauth;
  if (EqualsUpper(name, "BYE")) return Condition::kBye;
  return std::nullopt;
}

// Takes a word and the space behind it.
std::string_view TakeWord(std::string_view text, size_t* position) {
  const std::string_view rest = text.substr(*position);
  const std::string_view word = rest.substr(0, rest.find(' '));
  *position += word.size() + (word.size() < rest.size() ? 1 : 0);
  return word;
}

// "[CODE args] text". A code that is not closed is text, as it stands.
void ParseCode(std::string_view text, StatusResponse* out) {
  out->text.assign(text);
  if (text.empty() || text.front() != '[') return;
  const size_t name_end = text.find_first_of(" ]");
  if (name_end == text.npos) return;
  std::vector<Value> arguments;
  internal::ValueParser parser(text, name_end, {}, true);
  size_t behind = 0;
  if (parser.Parse(&arguments)) {
    behind = parser.position();
  } else {
    const size_t end = text.find(']', name_end);
    if (end == text.npos) return;
    arguments.assign(1, Value());
    arguments.front().kind = Value::Kind::kString;
    arguments.front().text.assign(text.substr(name_end + 1, end > name_end ? end - name_end - 1 : 0));
    behind = end + 1;
  }
  out->code = internal::ToUpper(text.substr(1, name_end - 1));
  out->arguments = std::move(arguments);
  if (behind < text.size() && text[behind] == ' ') ++behind;
  out->text.assign(text.substr(behind));
}

StatusResponse ParseStatus(std::string_view tag, Condition condition, std::string_view rest) {
  StatusResponse status;
  if (tag != "*") status.tag.assign(tag);
  status.condition = condition;
  ParseCode(rest, &status);
  return status;
}

absl::StatusOr<Response> ParseData(std::string_view text, size_t position, std::span<const size_t> streamed) {
  DataResponse data;
  size_t behind = position;
  std::string_view name = TakeWord(text, &behind);
  data.number = ParseNumber(name);
  if (data.number) name = TakeWord(text, &behind);
  if (name.empty()) return Bad("Response without a name");
  data.name = internal::ToUpper(name);
  internal::ValueParser parser(text, behind, streamed, false);
  if (!parser.Parse(&data.values)) return Bad("Response is not balanced, or too large");
  return Response(std::move(data));
}

bool IsBodyName(std::string_view name) {
  if (EqualsUpper(name, "RFC822") || EqualsUpper(name, "RFC822.HEADER") || EqualsUpper(name, "RFC822.TEXT")) return true;
  const size_t bracket = name.find('[');
  if (bracket == name.npos) return false;
  const std::string_view kind = name.substr(0, bracket);
  return EqualsUpper(kind, "BODY") || EqualsUpper(kind, "BINARY");
}

std::optional<uint32_t> Narrow(std::optional<uint64_t> number) {
  if (!number || *number == 0 || *number > UINT32_MAX) return std::nullopt;
  return static_cast<uint32_t>(*number);
}

absl::Status ReadFlags(const Value& value, FetchedMessage* out) {
  if (value.kind != Value::Kind::kList) return Bad("FLAGS is no list");
  if (value.children.size() > kMaxFlagsInCommand) return Bad("Too many flags");
  FlagList& flags = out->flags.emplace();
  for (const Value& flag : value.children) {
    if (flag.kind != Value::Kind::kAtom) continue;
    if (const auto bit = SystemFlagByName(flag.text)) {
      flags.system |= *bit;
    } else if (IsValidKeyword(flag.text)) {
      flags.AddKeyword(flag.text);
    }
  }
  return absl::OkStatus();
}

absl::Status ReadAttribute(const std::string& name, Value value, FetchedMessage* out) {
  if (EqualsUpper(name, "UID")) {
    out->uid = Narrow(value.Number());
    if (!out->uid) return Bad("Invalid UID");
  } else if (EqualsUpper(name, "FLAGS")) {
    return ReadFlags(value, out);
  } else if (EqualsUpper(name, "RFC822.SIZE")) {
    out->size = value.Number();
    if (!out->size) return Bad("Invalid RFC822.SIZE");
  } else if (EqualsUpper(name, "INTERNALDATE")) {
    if (value.kind == Value::Kind::kString) out->internal_date = std::move(value.text);
  } else if (EqualsUpper(name, "MODSEQ")) {
    if (value.children.size() == 1) out->modseq = value.children.front().Number();
  } else if (IsBodyName(name)) {
    const bool fits = value.kind == Value::Kind::kString || value.kind == Value::Kind::kStreamed ||
                      value.kind == Value::Kind::kNil;
    if (!fits) return Bad("A body is no string");
    out->bodies.push_back({name, std::move(value)});
  }
  return absl::OkStatus();
}

}  // namespace

bool Value::IsAtom(std::string_view name) const {
  return kind == Kind::kAtom && internal::EqualsIgnoreCase(text, name);
}

std::optional<uint64_t> Value::Number() const { return kind == Kind::kAtom ? ParseNumber(text) : std::nullopt; }

absl::StatusOr<Response> ParseResponse(std::string_view text, std::span<const size_t> streamed) {
  if (!text.empty() && text.front() == '+') {
    ContinuationResponse continuation;
    if (text.size() > 2) continuation.text.assign(text.substr(text[1] == ' ' ? 2 : 1));
    return Response(std::move(continuation));
  }
  size_t position = 0;
  const std::string_view tag = TakeWord(text, &position);
  size_t behind = position;
  const std::string_view word = TakeWord(text, &behind);
  if (tag.empty() || word.empty()) return Bad("Empty response");
  if (const auto condition = ConditionByName(word)) {
    return Response(ParseStatus(tag, *condition, text.substr(behind)));
  }
  if (tag != "*") return Bad("Tagged response without a condition");
  return ParseData(text, position, streamed);
}

absl::StatusOr<FetchedMessage> ReadFetch(DataResponse response) {
  FetchedMessage message;
  const auto number = Narrow(response.number);
  if (response.name != "FETCH" || !number || response.values.size() != 1 ||
      response.values.front().kind != Value::Kind::kList) {
    return Bad("Not a FETCH response");
  }
  message.number = *number;
  std::vector<Value>& items = response.values.front().children;
  if (items.size() % 2 != 0) return Bad("FETCH response has an item without a value");
  for (size_t i = 0; i < items.size(); i += 2) {
    if (items[i].kind != Value::Kind::kAtom) return Bad("FETCH response has an item without a name");
    if (absl::Status status = ReadAttribute(items[i].text, std::move(items[i + 1]), &message); !status.ok()) return status;
  }
  return message;
}

absl::StatusOr<ListedMailbox> ReadList(const DataResponse& response, bool utf8_accept) {
  const std::vector<Value>& values = response.values;
  if ((response.name != "LIST" && response.name != "LSUB") || values.size() < 3 || values[0].kind != Value::Kind::kList) {
    return Bad("Not a LIST response");
  }
  ListedMailbox mailbox;
  for (const Value& attribute : values[0].children) mailbox.attributes.push_back(attribute.text);
  if (values[1].kind == Value::Kind::kString && values[1].text.size() == 1) mailbox.delimiter = values[1].text.front();
  // "NIL" as a mailbox's name is an atom like any other.
  mailbox.name = values[2].text;
  absl::StatusOr<std::string> decoded = DecodeMailboxName(mailbox.name, utf8_accept);
  mailbox.decoded = decoded.ok();
  if (decoded.ok()) mailbox.name = *std::move(decoded);
  return mailbox;
}

}  // namespace mailmesh::imap
