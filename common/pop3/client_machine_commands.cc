// ClientMachine: the commands that the session gives.
#include <absl/strings/str_cat.h>

#include <algorithm>

#include "common/base/bytes.h"
#include "common/pop3/client_machine.h"
#include "common/pop3/command_parser.h"

namespace mailmesh::pop3 {
namespace {

absl::Status NotNow() { return absl::FailedPreconditionError("pop3 client: not in this state"); }

// Nothing that would end the line early.
bool IsLine(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
}

std::string Line(std::string_view verb, std::string_view argument) {
  return std::string(verb).append(" ").append(argument);
}

}  // namespace

absl::Status ClientMachine::Send(Verb verb, std::string line, MessageNumber number, bool one) {
  if (phase_ != Phase::kOpen || expected_.size() >= options_.max_in_flight) return NotNow();
  if (!IsLine(line)) return absl::InvalidArgumentError("pop3 client: an argument that would break the line");
  output_.append(line).append("\r\n");
  expected_.push_back({verb, number, one});
  return absl::OkStatus();
}

absl::Status ClientMachine::Capa() { return Send(Verb::kCapa, "CAPA"); }
absl::Status ClientMachine::Utf8() { return Send(Verb::kUtf8, "UTF8"); }
absl::Status ClientMachine::Stat() { return Send(Verb::kStat, "STAT"); }
absl::Status ClientMachine::Noop() { return Send(Verb::kNoop, "NOOP"); }
absl::Status ClientMachine::Rset() { return Send(Verb::kRset, "RSET"); }

absl::Status ClientMachine::Stls() {
  // RFC 2595, 4: the answer must be the last thing in plain text.
  if (!expected_.empty()) return NotNow();
  return Send(Verb::kStls, "STLS");
}

void ClientMachine::TlsEstablished() {
  if (phase_ == Phase::kTls) phase_ = Phase::kOpen;
}

absl::Status ClientMachine::User(std::string_view name) { return Send(Verb::kUser, Line("USER", name)); }

absl::Status ClientMachine::Pass(const base::Secret& password) {
  return Send(Verb::kPass, Line("PASS", password.Reveal()));
}

absl::Status ClientMachine::Apop(std::string_view name, const base::Secret& digest) {
  return Send(Verb::kApop, Line("APOP", name).append(" ").append(digest.Reveal()));
}

absl::Status ClientMachine::Auth(std::string_view mechanism, const std::optional<base::Secret>& initial_response) {
  if (!expected_.empty()) return NotNow();
  if (mechanism.empty() || mechanism.find(' ') != std::string_view::npos) {
    return absl::InvalidArgumentError("pop3 client: not a SASL mechanism");
  }
  std::string line = Line("AUTH", mechanism);
  std::optional<base::Secret> delayed;
  if (initial_response) {
    // RFC 5034, 4: an empty response is "=", and the command keeps to 255 octets.
    const std::string encoded = initial_response->empty() ? "=" : base::Base64Encode(initial_response->Reveal());
    if (line.size() + 1 + encoded.size() + 2 <= kMaxCommandLine) {
      line.append(" ").append(encoded);
    } else {
      delayed = *initial_response;
    }
  }
  if (absl::Status status = Send(Verb::kAuth, std::move(line)); !status.ok()) return status;
  delayed_initial_ = std::move(delayed);
  challenged_ = false;
  phase_ = Phase::kAuth;
  return absl::OkStatus();
}

absl::Status ClientMachine::AuthPlain(std::string_view user, const base::Secret& password) {
  // RFC 4616, 2: [authzid] NUL authcid NUL passwd
  std::string message(1, '\0');
  message.append(user).push_back('\0');
  message.append(password.Reveal());
  return Auth("PLAIN", base::Secret(std::move(message)));
}

absl::Status ClientMachine::WriteAuthLine(std::string_view text) {
  if (phase_ != Phase::kAuth || !challenged_) return NotNow();
  challenged_ = false;
  output_.append(text).append("\r\n");
  return absl::OkStatus();
}

absl::Status ClientMachine::AuthRespond(const base::Secret& response) {
  return WriteAuthLine(base::Base64Encode(response.Reveal()));
}

absl::Status ClientMachine::AuthCancel() { return WriteAuthLine("*"); }

absl::Status ClientMachine::List(std::optional<MessageNumber> number) {
  if (!number) return Send(Verb::kList, "LIST");
  return Send(Verb::kList, absl::StrCat("LIST ", *number), *number, true);
}

absl::Status ClientMachine::Uidl(std::optional<MessageNumber> number) {
  if (!number) return Send(Verb::kUidl, "UIDL");
  return Send(Verb::kUidl, absl::StrCat("UIDL ", *number), *number, true);
}

absl::Status ClientMachine::Retr(MessageNumber number) {
  return Send(Verb::kRetr, absl::StrCat("RETR ", number), number);
}

absl::Status ClientMachine::Top(MessageNumber number, uint32_t lines) {
  return Send(Verb::kTop, absl::StrCat("TOP ", number, " ", lines), number);
}

absl::Status ClientMachine::Dele(MessageNumber number) {
  return Send(Verb::kDele, absl::StrCat("DELE ", number), number);
}

absl::Status ClientMachine::Quit() {
  if (absl::Status status = Send(Verb::kQuit, "QUIT"); !status.ok()) return status;
  phase_ = Phase::kQuit;
  return absl::OkStatus();
}

}  // namespace mailmesh::pop3
