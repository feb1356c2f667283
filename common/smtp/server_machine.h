// The protocol state of one SMTP or LMTP server connection: octets in, events and octets out. It knows order, limits
// and syntax and no policy: who may send what to whom is asked of the session by events.
//
// Flow:
//   machine.Greet(reply);
//   for (;;) {
//     auto event = machine.Next(input);              // takes octets off the front of `input`
//     ... visit: decide, then machine.Answer(reply); // as each event says (server_event.h)
//     on NeedInput: write out machine.output(), clear it, read more
//     on Close: write out machine.output(), close
//   }
// Replies collect in output() until the input is used up, which is what RFC 2920, 3.2 wants; a session that is about to
// wait for long (a look-up, a commit) may write them earlier.
// While an answer is awaited, Next() consumes nothing and gives NeedInput.
// Thread-safety: none. Never throws on input. Limits: ServerOptions; at most one command line, and what the session
// leaves in output() and content(): a call to Next() adds no more than its input and some replies.
// RFC 5321; RFC 2033; RFC 2920; RFC 3030; RFC 3207; RFC 4954.
#ifndef MAILMESH_COMMON_SMTP_SERVER_MACHINE_H_
#define MAILMESH_COMMON_SMTP_SERVER_MACHINE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "common/base/line_reader.h"
#include "common/smtp/bdat_reader.h"
#include "common/smtp/command_parser.h"
#include "common/smtp/data_reader.h"
#include "common/smtp/ehlo.h"
#include "common/smtp/reply.h"
#include "common/smtp/server_event.h"

namespace mailmesh::smtp {

enum class Protocol : uint8_t { kSmtp, kLmtp };

struct ServerOptions {
  Protocol protocol = Protocol::kSmtp;
  std::string name;                     // ours, for the greeting and EHLO
  Capabilities offer;                   // the extensions; max_size bounds the content too
  size_t max_recipients = 1000;         // of one transaction; RFC 5321, 4.5.3.1.8 asks for 100
  size_t max_bad_commands = 20;         // refused for syntax or order, since the last accepted message; then 421
  uint64_t max_dropped_line = 1 << 20;  // octets of a line that never ends; then close
  // RFC 2920, 3.1: refuse and close when something follows a command that must be the last of its group.
  bool enforce_pipelining = false;
  // After a bare LF or CR in a command: true: 500 and close; false: 500 and go on behind the next CRLF.
  bool close_on_bare_line_ending = true;
  AddressOptions address;
};

class ServerMachine {
 public:
  explicit ServerMachine(ServerOptions options);

  // The first reply of the connection: 220 begins; with 554 only QUIT is heard after it (RFC 5321, 3.1); 421 closes.
  void Greet(const Reply& reply);
  // "220 name ESMTP ..." or LMTP.
  void Greet();

  server::Event Next(std::string_view& input);

  // Answers the event that waits for it (server_event.h). A 421 closes the connection whatever it answers.
  void Answer(const Reply& reply);
  // LMTP, EndContent: the same reply for all recipients that are left. SMTP: as Answer().
  void AnswerAll(const Reply& reply);
  // AuthReceived, AuthResponse: "334 " and the challenge.
  void Challenge(std::string_view challenge);

  // After the handshake: everything that was known about the client is forgotten (RFC 3207, 4.2). `offer`: for now on.
  void TlsEstablished(Capabilities offer);
  // For a connection that begins with TLS: before Greet().
  void set_tls_active() { tls_active_ = true; }
  // What the next EHLO offers (and commands may use, from then on).
  void SetOffer(Capabilities offer);

  // Writes `reply` (a 421) and makes the next event Close. Only between commands: see at_command_boundary().
  void Shutdown(const Reply& reply);
  // True where a 421 may be said: no content is awaited, no answer is owed, and the last word is not said yet.
  bool at_command_boundary() const;

  std::string& output() { return output_; }
  std::string& content() { return content_; }
  std::string TakeContent() { return std::exchange(content_, std::string()); }

  bool tls_active() const { return tls_active_; }
  bool authenticated() const { return authenticated_; }
  bool in_transaction() const { return transaction_.open; }
  bool extended() const { return extended_; }  // EHLO or LHLO, not HELO
  bool awaiting_answer() const { return pending_ != Pending::kNone; }
  size_t accepted_recipients() const { return transaction_.recipients; }
  Protocol protocol() const { return options_.protocol; }

 private:
  enum class Phase : uint8_t { kGreeting, kRefused, kHello, kReady, kData, kChunk, kAuth, kTls };
  enum class Pending : uint8_t {
    kNone,
    kHello,
    kMail,
    kRcpt,
    kBeginData,
    kBeginChunk,
    kEndContent,
    kStartTls,
    kAuth,
    kOther
  };
  struct Transaction {
    bool open = false;
    bool utf8 = false;
    bool binary = false;
    bool chunking = false;  // a BDAT was seen
    bool failed = false;    // a BDAT was refused: RSET is needed
    size_t recipients = 0;
  };
  struct Chunk {
    uint64_t size = 0;
    bool last = false;
    std::optional<Reply> refusal;  // sent when the chunk is swallowed
  };

  server::Event NextLine(std::string_view& input);
  server::Event NextContent(std::string_view& input);
  server::Event NextChunk(std::string_view& input);
  server::Event OnLine(std::string_view line, std::string_view& input);
  server::Event OnLineFault(base::LineReader::Outcome outcome);
  server::Event OnAuthLine(std::string_view line);
  server::Event OnCommand(ParsedCommand parsed, std::string_view& input);
  bool Understands(Verb verb) const;
  bool MustBeLast(Verb verb) const;

  server::Event On(Hello hello);
  server::Event On(Mail mail);
  server::Event On(Rcpt rcpt);
  server::Event On(Data data);
  server::Event On(Bdat bdat);
  server::Event On(Rset rset);
  server::Event On(Noop noop);
  server::Event On(Quit quit);
  server::Event On(Vrfy vrfy);
  server::Event On(Expn expn);
  server::Event On(Help help);
  server::Event On(Etrn etrn);
  server::Event On(StartTls start_tls);
  server::Event On(Auth auth);

  server::Event RefuseData(const CannedReply& reply);
  void CloseIfContentFollows();
  server::Event OnStartTls(std::string_view& input);
  server::Event EndOfChunk();
  server::Event RefusedChunk();
  server::Event EndOfContent(uint64_t size, bool too_big, bool bare);
  server::Event RefuseContent(const CannedReply& reply, server::ContentFault fault, uint64_t size);
  void AnswerHello(const Reply& reply);
  void AnswerMail(const Reply& reply);
  void AnswerBeginData(const Reply& reply);
  void AnswerBeginChunk(const Reply& reply);
  void AnswerEnd(const Reply& reply);
  void AnswerAuth(const Reply& reply);
  void EndTransaction();
  uint64_t MaxSize() const;

  server::Event Say(const CannedReply& reply);  // answers the current verb
  server::Event Bad(const CannedReply& reply);  // and counts it as an error
  void CountBad();
  server::Event CloseWith(const CannedReply& reply, server::CloseReason reason);
  server::Event Await(Pending pending, server::Event event);
  void Write(const Reply& reply);
  void WritePerRecipient(const Reply& reply);

  ServerOptions options_;
  base::LineReader lines_;
  DataReader data_;
  BdatReader bdat_;
  std::string output_;
  std::string content_;

  Phase phase_ = Phase::kGreeting;
  Phase phase_before_chunk_ = Phase::kReady;
  Pending pending_ = Pending::kNone;
  Verb hello_verb_ = Verb::kEhlo;  // that waits for its answer
  Transaction transaction_;
  Transaction next_;  // what a MAIL that waits for its answer would begin
  Chunk chunk_;
  Verb verb_ = Verb::kOther;  // being answered
  size_t unanswered_ = 0;     // LMTP: recipients that wait for their reply
  size_t bad_commands_ = 0;
  bool extended_ = false;
  bool tls_active_ = false;
  bool authenticated_ = false;
  bool early_input_ = false;  // input lay behind the command that is being answered
  std::optional<server::CloseReason> close_;
};

}  // namespace mailmesh::smtp

#endif  // MAILMESH_COMMON_SMTP_SERVER_MACHINE_H_
