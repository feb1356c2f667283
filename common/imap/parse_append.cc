// APPEND, whose messages the reader streams: the texts before, between and behind them. RFC 4466, 3; RFC 3502; RFC 6855, 4.
#include <utility>

#include "common/imap/parse.h"

namespace mailmesh::imap {
namespace internal {
namespace {

// append-opts, up to where the literal was announced: " (\Seen) \"date\" " and, for RFC 6855, "UTF8 (".
bool ParseOptionsOfMessage(Scanner& in, AppendMessage* message) {
  if (!in.Space()) return false;
  if (in.At('(')) {
    if (!in.Flags(&message->flags, false) || !in.Space()) return false;
  }
  if (in.At('"')) {
    std::string text;
    if (!in.String(&text)) return false;
    absl::StatusOr<DateTime> date = ParseDateTime(text);
    if (!date.ok()) return in.Fail("Invalid date-time");
    message->date = *date;
    if (!in.Space()) return false;
  }
  if (in.TakeWord("UTF8")) {
    if (!in.Space() || !in.Open()) return false;
    // RFC 6855, 4: "UTF8" SP "(" literal8 ")"
    if (!message->binary) return in.Fail("UTF8 needs a literal8");
    message->utf8 = true;
  }
  return in.End();
}

}  // namespace

bool ParseAppendHead(Scanner& in, Append* out) {
  return in.Space() && in.Mailbox(&out->mailbox) && ParseOptionsOfMessage(in, &out->message);
}

}  // namespace internal

absl::StatusOr<AppendMessage> ParseNextAppendMessage(std::string_view text, const LiteralHeader& literal,
                                                     const AppendMessage& previous) {
  internal::Scanner in(text);
  AppendMessage message;
  message.size = literal.size;
  message.binary = literal.binary;
  if ((previous.utf8 && !in.Close()) || !internal::ParseOptionsOfMessage(in, &message)) return in.status();
  return message;
}

absl::Status ParseAppendEnd(std::string_view text, const AppendMessage& last) {
  internal::Scanner in(text);
  if (last.utf8) in.Close();
  in.End();
  return in.status();
}

}  // namespace mailmesh::imap
