// The client's side of one POP3 connection: commands out; replies, listings and messages in, as a stream.
//
// Commands may be queued while others are unanswered where the server offers PIPELINING (RFC 2449, 6.6): in_flight()
// tells how many.
// Without it the caller waits until in_flight() is 0. USER, PASS, AUTH, STLS, QUIT should always be waited for.
// Flow: Next(input) until Greeted; Capa() ... ; after each call write out output() and clear it; Next(input) until
// NeedInput.
// Thread-safety: none. Never throws on input. Limits: ClientOptions; lines of 8 KiB; content() grows by at most the
// input.
// RFC 1939; RFC 2449; RFC 2595; RFC 5034; RFC 6856.
#ifndef MAILMESH_COMMON_POP3_CLIENT_MACHINE_H_
#define MAILMESH_COMMON_POP3_CLIENT_MACHINE_H_

#include <absl/status/status.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/line_reader.h"
#include "common/base/secret.h"
#include "common/pop3/client_event.h"
#include "common/pop3/multiline_reader.h"

namespace mailmesh::pop3 {

struct ClientOptions {
  size_t max_in_flight = 100;
  size_t max_capability_lines = 200;
  uint64_t max_listing_lines = 10'000'000;  // a hostile listing without end
  uint64_t max_message_size = 1ULL << 30;   // then Failed
};

class ClientMachine {
 public:
  explicit ClientMachine(ClientOptions options = {});

  // Takes octets off the front of `input`. Call it again until it gives NeedInput.
  client::Event Next(std::string_view& input);

  // Each: FailedPrecondition when it may not be sent now (before the greeting, during AUTH or STLS, after QUIT, when
  // max_in_flight are), and InvalidArgument for octets that would break the line.
  absl::Status Capa();
  absl::Status Stls();
  // RFC 1939, 7 USER; the password goes out in PASS.
  absl::Status User(std::string_view name);
  absl::Status Pass(const base::Secret& password);
  // RFC 1939, 7 APOP: `digest` is 32 hexadecimal digits.
  absl::Status Apop(std::string_view name, const base::Secret& digest);
  // RFC 5034, 4: an initial response that makes the line longer than 255 octets is kept for the first, empty challenge.
  absl::Status Auth(std::string_view mechanism, const std::optional<base::Secret>& initial_response);
  // RFC 4616 in one go.
  absl::Status AuthPlain(std::string_view user, const base::Secret& password);
  absl::Status AuthRespond(const base::Secret& response);
  absl::Status AuthCancel();
  absl::Status Utf8();
  absl::Status Stat();
  absl::Status List(std::optional<MessageNumber> number = std::nullopt);
  absl::Status Uidl(std::optional<MessageNumber> number = std::nullopt);
  absl::Status Retr(MessageNumber number);
  absl::Status Top(MessageNumber number, uint32_t lines);
  absl::Status Dele(MessageNumber number);
  absl::Status Noop();
  absl::Status Rset();
  absl::Status Quit();

  // After TlsReady and the handshake.
  void TlsEstablished();

  std::string& output() { return output_; }
  std::string& content() { return content_; }
  std::string TakeContent();
  size_t in_flight() const { return expected_.size(); }
  bool greeted() const { return phase_ != Phase::kGreeting; }
  bool failed() const { return phase_ == Phase::kFailed; }

 private:
  enum class Phase : uint8_t { kGreeting, kOpen, kAuth, kTls, kQuit, kFailed };
  enum class Body : uint8_t { kNone, kCapabilities, kListing, kMessage };
  struct Expected {
    Verb verb = Verb::kOther;
    MessageNumber number = 0;
    bool one = false;  // LIST n, UIDL n: answered in one line
  };

  // Nothing: go on with the next line.
  using Step = std::optional<client::Event>;

  client::Event NextContent(std::string_view& input);
  Step OnLine(std::string_view line, std::string_view input);
  client::Event OnGreeting(std::string_view line);
  Step OnStatus(std::string_view line, std::string_view input);
  Step OnChallenge(std::string_view line);
  Step OnPositive(const Expected& command, Reply reply, std::string_view input);
  client::Event OnOne(const Expected& command, Reply reply);
  Step OnBodyLine(std::string_view line);
  client::Event OnListingLine(std::string_view line);
  client::Event Fail(std::string_view what);
  absl::Status Send(Verb verb, std::string line, MessageNumber number = 0, bool one = false);
  absl::Status WriteAuthLine(std::string_view text);

  ClientOptions options_;
  base::LineReader lines_;
  base::LineEndings endings_ = base::LineEndings::kCrlfOnly;  // as the greeting ended
  MultilineReader message_;
  std::string output_;
  std::string content_;
  std::string one_line_;  // what a UidlEntry of "UIDL n" points into
  Phase phase_ = Phase::kGreeting;
  Body body_ = Body::kNone;
  Expected current_;  // whose body is being read
  std::deque<Expected> expected_;
  Capabilities capabilities_;
  uint64_t body_lines_ = 0;
  std::optional<base::Secret> delayed_initial_;
  bool challenged_ = false;  // AUTH: the server waits for us
};

}  // namespace mailmesh::pop3

#endif  // MAILMESH_COMMON_POP3_CLIENT_MACHINE_H_
