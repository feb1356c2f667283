// The client's side of one SMTP or LMTP connection: commands out, replies in, an outcome for each recipient.
//
// Replies are matched to commands by counting (RFC 2920, 3.1). With PIPELINING the whole envelope goes out in groups;
// without, one command at a time. With CHUNKING and `use_chunking` the content goes as BDAT, else as DATA.
// Flow:
//   read -> Next(input) until Greeted; Hello(); Next() until HelloDone;
//   [StartTls(); Next() until StartTlsDone; TlsEstablished(); Hello() ...]; [Auth(); Next() until AuthDone];
//   Begin(transaction); Next() until SendContent: SendContent()*, EndContent(); Next() until TransactionDone;
//   Begin() the next one ...; Quit().
//   After each call: write out output() and clear it.
// A lost connection or a timeout at any point: ConnectionLost(), then outcomes().
// While content is being sent the session should also read when it can, and stop early when content_refused().
// Thread-safety: none. Never throws on input. Limits: ClientOptions; ReplyLimits; the replies of as many recipients as
// were given.
// RFC 5321; RFC 2033; RFC 2920; RFC 3030; RFC 3207; RFC 4954.
#ifndef MAILMESH_COMMON_SMTP_CLIENT_MACHINE_H_
#define MAILMESH_COMMON_SMTP_CLIENT_MACHINE_H_

#include <absl/status/status.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/secret.h"
#include "common/smtp/client_event.h"
#include "common/smtp/data_writer.h"
#include "common/smtp/ehlo.h"
#include "common/smtp/reply_parser.h"
#include "common/smtp/server_machine.h"
#include "common/smtp/transaction.h"

namespace mailmesh::smtp {

struct ClientOptions {
  Protocol protocol = Protocol::kSmtp;
  std::string name;           // for EHLO: a domain or an address literal
  bool use_chunking = false;  // BDAT where it is offered
  // RFC 2920, 3.1: a client that does not read while it writes must not fill both windows. Commands without a reply, at
  // most.
  size_t max_in_flight = 100;
  StrayLineEndings stray = StrayLineEndings::kNormalise;  // for DATA; BDAT too, unless BODY=BINARYMIME
  ReplyLimits reply_limits;
};

class ClientMachine {
 public:
  explicit ClientMachine(ClientOptions options);

  // Takes octets off the front of `input`. Call it again until it gives NeedInput.
  client::Event Next(std::string_view& input);

  // Each: FailedPrecondition when something else is going on.
  absl::Status Hello();
  absl::Status StartTls();
  void TlsEstablished();
  // RFC 4954, 4: an initial response that makes the line too long is kept back for the first, empty challenge.
  absl::Status Auth(std::string_view mechanism, const std::optional<base::Secret>& initial_response);
  absl::Status AuthRespond(const base::Secret& response);
  absl::Status AuthCancel();
  // InvalidArgument without recipients. Needs a HelloDone. When RefusalFor() says no, the outcomes are final at once
  // and the next event is TransactionDone.
  absl::Status Begin(Transaction transaction);
  // After SendContent; `chunk` in pieces of any size (for BDAT each piece becomes a chunk: use large ones).
  absl::Status SendContent(std::string_view chunk);
  absl::Status EndContent();
  absl::Status Noop();
  absl::Status Reset();
  absl::Status Quit();

  // The stream broke or timed out: what is pending fails temporarily. Returns whether a transaction was in progress;
  // then outcomes() are final. `reply`: what to note, for example replies::kConnectionLost.
  bool ConnectionLost(const Reply& reply);

  std::string& output() { return output_; }
  const Capabilities& offer() const { return offer_; }
  const std::vector<Outcome>& outcomes() const { return outcomes_; }  // as Transaction::recipients
  bool closed() const { return state_ == State::kClosed; }
  bool ready() const { return state_ == State::kReady; }
  // BDAT: a chunk was refused; end now (RFC 3030, 2). EndContent() then sends nothing more.
  bool content_refused() const { return content_refused_; }
  // A last dot or LAST chunk was sent and not yet answered: a loss of the connection now may mean that the message was
  // taken.
  bool in_doubt() const { return state_ == State::kAwaitEnd && !content_refused_; }
  // Whole replies so far: what tells a server that answers slowly from one that never ends its reply.
  uint64_t replies() const { return replies_; }

 private:
  enum class State : uint8_t {
    kGreeting,
    kConnected,
    kHello,
    kReady,
    kStartTls,
    kTls,
    kAuth,
    kChallenged,
    kEnvelope,
    kContent,
    kAwaitEnd,
    kSimple,
    kQuit,
    kClosed
  };
  enum class Sent : uint8_t {
    kEhlo,
    kHelo,
    kStartTls,
    kAuth,
    kMail,
    kRcpt,
    kData,
    kChunk,
    kEnd,
    kEmptyEnd,
    kSimple,
    kReset,
    kQuit
  };
  struct Expected {
    Sent what;
    size_t recipient = 0;
  };

  // Nothing: go on with the next reply.
  using Step = std::optional<client::Event>;

  Step OnReply(Reply reply, std::string_view input);
  Step Dispatch(const Expected& command, Reply reply, std::string_view input);
  client::Event OnGreeting(Reply reply);
  Step OnHello(Sent what, Reply reply);
  client::Event OnStartTls(Reply reply, std::string_view input);
  Step OnAuth(Reply reply);
  Step OnMail(const Reply& reply);
  Step OnRcpt(size_t recipient, const Reply& reply);
  Step OnData(const Reply& reply);
  Step OnChunk(const Reply& reply);
  Step OnEnd(size_t recipient, const Reply& reply);
  Step OnUnexpected(const Reply& reply);
  client::Event OnClosing(const Reply& reply);
  client::Event Fail(const Reply& reply);

  Step Advance();
  void SendEnvelope();
  bool SendNextOfEnvelope();
  Step BeginContent();
  client::Event Finish();
  void Expect(Sent what, size_t recipient = 0) { expected_.push_back({what, recipient}); }
  void Decide(size_t recipient, Verdict verdict, Stage stage, const Reply& reply, bool local);
  void DecidePending(Verdict verdict, Stage stage, const Reply& reply, bool local);
  Stage CurrentStage() const;
  bool chunking() const;
  void WriteChunk(std::string_view octets, bool last);
  absl::Status WriteAuthLine(std::string_view response);

  ClientOptions options_;
  ReplyParser parser_;
  std::string output_;
  State state_ = State::kGreeting;
  Capabilities offer_;
  bool extended_ = false;
  std::deque<Expected> expected_;

  std::optional<base::Secret> delayed_initial_;

  Transaction transaction_;
  std::vector<Outcome> outcomes_;
  std::vector<size_t> accepted_;  // recipients whose RCPT was, in order
  size_t next_recipient_ = 0;
  size_t rcpts_in_flight_ = 0;
  bool in_transaction_ = false;
  bool mail_sent_ = false;
  bool mail_accepted_ = false;
  bool mail_refused_ = false;
  bool data_sent_ = false;
  bool data_go_ = false;  // 354 came
  bool content_refused_ = false;
  uint64_t replies_ = 0;
  bool needs_reset_ = false;  // the server still has a transaction open
  std::optional<client::Event> ready_event_;
  DataWriter writer_;
  LineEndingNormaliser normaliser_;
  std::string held_chunk_;  // for BDAT
};

}  // namespace mailmesh::smtp

#endif  // MAILMESH_COMMON_SMTP_CLIENT_MACHINE_H_
