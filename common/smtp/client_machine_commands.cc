// ClientMachine: the commands that the session gives, transactions aside.
#include <absl/strings/str_cat.h>

#include "common/base/bytes.h"
#include "common/smtp/client_machine.h"
#include "common/smtp/command_writer.h"
#include "common/smtp/line_limits.h"

namespace mailmesh::smtp {
namespace {

absl::Status NotNow() { return absl::FailedPreconditionError("smtp client: not in this state"); }

// RFC 4422, 3.1
bool IsMechanism(std::string_view text) {
  if (text.empty() || text.size() > 20) return false;
  for (char c : text) {
    const bool ok = (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    if (!ok) return false;
  }
  return true;
}

}  // namespace

absl::Status ClientMachine::Hello() {
  if (state_ != State::kConnected && state_ != State::kReady) return NotNow();
  const bool lmtp = options_.protocol == Protocol::kLmtp;
  AppendHello(lmtp ? Verb::kLhlo : Verb::kEhlo, options_.name, output_);
  Expect(Sent::kEhlo);
  state_ = State::kHello;
  return absl::OkStatus();
}

absl::Status ClientMachine::StartTls() {
  if (state_ != State::kReady || !offer_.Has(Extension::kStartTls)) return NotNow();
  AppendBare(Verb::kStartTls, output_);
  Expect(Sent::kStartTls);
  state_ = State::kStartTls;
  return absl::OkStatus();
}

absl::Status ClientMachine::Auth(std::string_view mechanism, const std::optional<base::Secret>& initial_response) {
  if (state_ != State::kReady) return NotNow();
  if (!IsMechanism(mechanism)) return absl::InvalidArgumentError("smtp client: not a SASL mechanism");
  std::string line = absl::StrCat("AUTH ", std::string(mechanism));
  delayed_initial_.reset();
  if (initial_response) {
    // RFC 4954, 4: an empty response is "=", and the command keeps to the line limit of RFC 5321.
    const std::string encoded = initial_response->empty() ? "=" : base::Base64Encode(initial_response->Reveal());
    if (line.size() + 1 + encoded.size() + 2 <= kBaseCommandLine) {
      absl::StrAppend(&line, " ", encoded);
    } else {
      delayed_initial_ = *initial_response;
    }
  }
  output_.append(line).append("\r\n");
  Expect(Sent::kAuth);
  state_ = State::kAuth;
  return absl::OkStatus();
}

absl::Status ClientMachine::WriteAuthLine(std::string_view response) {
  if (state_ != State::kChallenged) return NotNow();
  output_.append(response).append("\r\n");
  Expect(Sent::kAuth);
  state_ = State::kAuth;
  return absl::OkStatus();
}

absl::Status ClientMachine::AuthRespond(const base::Secret& response) {
  return WriteAuthLine(base::Base64Encode(response.Reveal()));
}

absl::Status ClientMachine::AuthCancel() { return WriteAuthLine("*"); }

absl::Status ClientMachine::Noop() {
  if (state_ != State::kReady) return NotNow();
  AppendBare(Verb::kNoop, output_);
  Expect(Sent::kSimple);
  state_ = State::kSimple;
  return absl::OkStatus();
}

absl::Status ClientMachine::Reset() {
  if (state_ != State::kReady) return NotNow();
  AppendBare(Verb::kRset, output_);
  Expect(Sent::kSimple);
  needs_reset_ = false;
  state_ = State::kSimple;
  return absl::OkStatus();
}

absl::Status ClientMachine::Quit() {
  if (state_ != State::kReady && state_ != State::kConnected) return NotNow();
  AppendBare(Verb::kQuit, output_);
  Expect(Sent::kQuit);
  state_ = State::kQuit;
  return absl::OkStatus();
}

}  // namespace mailmesh::smtp
