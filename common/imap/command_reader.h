// Cuts a client's octets, as they arrive, into commands; streams the messages of APPEND; survives what is too large.
//
// Flow:
//   for (;;) {
//     CommandReader::Event event = reader.Next(&input);       // takes what it used from the front of `input`
//     switch (event.kind) {
//       kNeedInput:         read more octets, then go on
//       kCommand:           ParseCommand(event.text)
//       kContinuation:      send "+ OK" (or reader.Refuse() and a tagged NO or BAD), go on
//       kAppendLiteral:     ParseAppend(event.text, event.literal), or ParseNextAppendMessage for the second and later;
//                           then reader.Accept(), after it "+ OK" if event.literal.synchronizing; or reader.Refuse() and a
//                           tagged NO or BAD
//       kAppendData:        octets of the message, event.text
//       kAppendLiteralEnd:  the message is complete
//       kAppendEnd:         ParseAppendEnd(event.text): the command is complete, answer it
//       kError:             answer tagged BAD with event.tag ("* BAD" if empty); the reader goes on behind the bad command
//       kFatal:             answer "* BYE", close
//     }
//   }
// The answer to an AUTHENTICATE challenge and the DONE of IDLE are no commands: NextLine() reads them.
//
// Refuse() may also be called while a message is streamed: the rest of the command is skipped.
// A bare LF ends a line too, as with Dovecot; a bare CR stays in the text, where the parser refuses it.
// Thread-safety: one thread. Limits: Limits; memory is bounded by max_command, and is nothing between commands.
// RFC 3501, 2.2.1, 4.3 and 7.5; RFC 7888; RFC 3502; RFC 3516.
#ifndef MAILMESH_COMMON_IMAP_COMMAND_READER_H_
#define MAILMESH_COMMON_IMAP_COMMAND_READER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/imap/literal.h"
#include "common/imap/verb.h"

namespace mailmesh::imap {

class CommandReader {
 public:
  struct Limits {
    size_t max_line = 64 * 1024;       // of one line, without its CRLF
    uint64_t max_literal = 64 * 1024;  // of a literal that is kept: every one but the messages of APPEND
    size_t max_command = 256 * 1024;   // of all lines and kept literals of one command
    // RFC 7888: LITERAL- allows 4096; a larger non-synchronizing literal is refused with TOOBIG. Not there: LITERAL+.
    uint64_t max_non_synchronizing = UINT64_MAX;
    // How much of what was refused is skipped before the connection is given up (kFatal).
    uint64_t max_skip = 64 * 1024 * 1024;
  };
  // Before log-in nobody needs more.
  static Limits UnauthenticatedLimits();

  enum class Error : uint8_t {
    kNone,
    kLineTooLong,
    kLiteralTooLarge,     // of a command that is no APPEND
    kCommandTooLarge,
    kNonSyncTooLarge,     // RFC 7888, 5: beyond max_non_synchronizing; answer BAD [TOOBIG]
    kSkipTooLarge,        // kFatal: more would have to be skipped than max_skip
  };

  enum class Kind : uint8_t {
    kNeedInput, kCommand, kContinuation, kAppendLiteral, kAppendData, kAppendLiteralEnd, kAppendEnd, kLine, kError, kFatal
  };

  struct Event {
    Kind kind = Kind::kNeedInput;
    Error error = Error::kNone;
    // kCommand, kContinuation: credentials are or will be in the text. It must not be logged (RedactCommand()).
    bool secret = false;
    Verb verb = Verb::kUnknown;  // from kCommand to kError, as far as it was there
    // kCommand, kAppendLiteral, kAppendData, kAppendEnd, kLine. Valid until the next call, and as long as the input is.
    std::string_view text;
    // kAppendLiteral, kAppendEnd, kContinuation, kError. Valid until the next call; empty if there was none.
    std::string_view tag;
    LiteralHeader literal;  // kContinuation, kAppendLiteral
  };

  explicit CommandReader(const Limits& limits) : limits_(limits) {}
  // For what comes after the command just read, say on log-in.
  void set_limits(const Limits& limits) { limits_ = limits; }

  // Octets used are removed from the front of `input`. kNeedInput: all were.
  Event Next(std::string_view* input);

  // One line that is no command, literals unknown: kLine, kError (too long, skipped to its end), kFatal or kNeedInput.
  Event NextLine(std::string_view* input);

  // After kAppendLiteral.
  void Accept();
  // After kContinuation or kAppendLiteral, or while a message is streamed. The caller answers the command.
  void Refuse();

  // Between two commands, nothing of the next one taken: the point at which STARTTLS may switch (RFC 3501, 6.2.1: what
  // the client sent behind STARTTLS in the clear is to be thrown away by the caller).
  bool idle() const { return state_ == State::kLine && (buffer_.empty() || clear_buffer_); }

 private:
  enum class State : uint8_t {
    kLine,         // reading a line of a command
    kLiteral,      // keeping `remaining_` octets
    kAwaitAppend,  // kAppendLiteral told, neither accepted nor refused
    kStream,       // `remaining_` octets of a message
    kAppendTail,   // the line after a message
    kSkipLiteral,  // `remaining_` octets of something refused
    kSkipLine,     // the line behind it
    kDead,
  };

  enum class Took : uint8_t { kLine, kPart, kTooLong };
  Took TakeLine(std::string_view* input, std::string_view* line);
  bool TakeKept(std::string_view* input);
  Event Line(std::string_view line);
  Event LiteralAnnounced(std::string_view line, const LiteralHeader& literal, size_t header_size);
  Event StartKeptLiteral(std::string_view line, const LiteralHeader& literal);
  Event StartAppend(std::string_view line, const LiteralHeader& literal, size_t header_size);
  Event RefuseLiteral(Error error, std::string_view line, const LiteralHeader& literal);
  Event TakeStream(std::string_view* input);
  Event Skip(std::string_view* input);
  void SkipTail(std::string_view octets);
  void EndSkippedLine();
  void StartSkip(const LiteralHeader& literal);
  Event LineTooLong(std::string_view rest);
  Event CommandTooLarge(std::string_view line);
  Event Drop(Error error);
  Event Fatal();
  void Identify(std::string_view text);
  Event Make(Kind kind);
  void Reset();

  Limits limits_;
  State state_ = State::kLine;
  bool clear_buffer_ = false;     // the text of the last event was in buffer_
  bool continued_ = false;        // buffer_ has a literal: the command began before this line
  bool in_append_ = false;        // a message has been announced
  bool secret_ = false;
  Verb verb_ = Verb::kUnknown;
  LiteralHeader announced_;
  uint64_t remaining_ = 0;
  uint64_t skipped_ = 0;
  size_t line_start_ = 0;         // where in buffer_ the present line begins
  std::string buffer_;
  std::string tag_;
  std::string tail_;              // the end of a line that is skipped: a literal may be announced there
};

}  // namespace mailmesh::imap

#endif  // MAILMESH_COMMON_IMAP_COMMAND_READER_H_
