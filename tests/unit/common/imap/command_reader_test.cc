#include "common/imap/command_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/imap/command_parser.h"

namespace mailmesh::imap {
namespace {

using ::testing::ElementsAre;
using Kind = CommandReader::Kind;
using Error = CommandReader::Error;
using Log = std::vector<std::string>;

// Writes down what the reader tells; accepts messages unless told otherwise.
class Driver {
 public:
  explicit Driver(const CommandReader::Limits& limits, bool accept = true) : reader_(limits), accept_(accept) {}

  // All octets, in pieces that end at the given offsets.
  Log Run(std::string_view octets, const std::vector<size_t>& cuts) {
    size_t start = 0;
    for (const size_t cut : cuts) Feed(octets.substr(start, cut - start)), start = cut;
    Feed(octets.substr(start));
    if (!data_.empty()) log_.push_back("partial " + data_);
    return log_;
  }

 private:
  void Feed(std::string_view piece) {
    if (!log_.empty() && log_.back() == "fatal") return;
    // The views that were given out must not outlive it.
    std::string own(piece);
    std::string_view input = own;
    for (int guard = 0; guard < 10000; ++guard) {
      const CommandReader::Event event = reader_.Next(&input);
      if (event.kind == Kind::kNeedInput) {
        EXPECT_TRUE(input.empty());
        return;
      }
      Note(event);
      if (event.kind == Kind::kFatal) return;
    }
    ADD_FAILURE() << "no end";
  }

  void Note(const CommandReader::Event& event) {
    const std::string text(event.text);
    const std::string tag(event.tag);
    switch (event.kind) {
      case Kind::kCommand: log_.push_back("command " + text); break;
      case Kind::kContinuation: log_.push_back("+" + std::to_string(event.literal.size)); break;
      case Kind::kAppendLiteral:
        log_.push_back("append " + text + "|" + std::to_string(event.literal.size) + (event.literal.synchronizing ? "" : "+") +
                       (event.literal.binary ? "~" : ""));
        accept_ ? reader_.Accept() : reader_.Refuse();
        break;
      case Kind::kAppendData: data_ += text; break;
      case Kind::kAppendLiteralEnd: log_.push_back("message " + data_), data_.clear(); break;
      case Kind::kAppendEnd: log_.push_back("end " + text); break;
      case Kind::kError: log_.push_back("error " + std::to_string(static_cast<int>(event.error)) + " " + tag); break;
      case Kind::kFatal: log_.push_back("fatal"); break;
      case Kind::kLine:
      case Kind::kNeedInput: break;
    }
  }

  CommandReader reader_;
  bool accept_;
  Log log_;
  std::string data_;
};

// Small limits, so that they are met.
CommandReader::Limits Small() {
  CommandReader::Limits limits;
  limits.max_line = 60;
  limits.max_literal = 40;
  limits.max_command = 120;
  limits.max_skip = 1000;
  return limits;
}

Log Whole(std::string_view octets, const CommandReader::Limits& limits = Small(), bool accept = true) {
  return Driver(limits, accept).Run(octets, {});
}

std::string ErrorText(Error error, std::string_view tag) {
  return "error " + std::to_string(static_cast<int>(error)) + " " + std::string(tag);
}

TEST(CommandReaderTest, Commands) {
  EXPECT_THAT(Whole("A1 NOOP\r\nA2 CHECK\nA3 NO"), ElementsAre("command A1 NOOP", "command A2 CHECK"));
  EXPECT_THAT(Whole("\r\n\nA1 X\r\r\n"), ElementsAre("command ", "command ", "command A1 X\r"));
}

TEST(CommandReaderTest, KeptLiterals) {
  EXPECT_THAT(Whole("A1 LOGIN {3}\r\nabc {2+}\r\n\r\n\r\nA2 NOOP\r\n"),
              ElementsAre("+3", "command A1 LOGIN {3}\r\nabc {2+}\r\n\r\n", "command A2 NOOP"));
  EXPECT_THAT(Whole("A1 LOGIN {0}\r\n x\n"), ElementsAre("+0", "command A1 LOGIN {0}\r\n x"));
  // No announcements; the parser refuses them.
  for (const char* line : {"A1 X {}", "A1 X {a}", "A1 X {1-}", "A1 X {1", "A1 X 1}", "A1 X {+}", "A1 X {1++}"}) {
    EXPECT_THAT(Whole(std::string(line) + "\r\n"), ElementsAre("command " + std::string(line)));
  }
}

TEST(CommandReaderTest, Append) {
  EXPECT_THAT(Whole("A1 APPEND INBOX (\\Seen) {5}\r\nhello\r\nA2 NOOP\r\n"),
              ElementsAre("append A1 APPEND INBOX (\\Seen) |5", "message hello", "end ", "command A2 NOOP"));
  EXPECT_THAT(Whole("A1 APPEND {5+}\r\nINBOX ~{3+}\r\na\nb (\\Seen) {0+}\r\n {100}\r\n" + std::string(100, 'x') + "\r\n"),
              ElementsAre("append A1 APPEND {5+}\r\nINBOX |3+~", "message a\nb", "append  (\\Seen) |0+", "message ", "append  |100",
                          "message " + std::string(100, 'x'), "end "));
  EXPECT_THAT(Whole("A1 APPEND x UTF8 (~{2}\r\nab)\r\n"), ElementsAre("append A1 APPEND x UTF8 (|2~", "message ab", "end )"));
  EXPECT_THAT(Whole("A1 APPEND INBOX\r\n"), ElementsAre("command A1 APPEND INBOX"));
  // The mailbox's name is kept, and bounded as such.
  EXPECT_THAT(Whole("A1 APPEND {41}\r\nA2 NOOP\r\n"), ElementsAre(ErrorText(Error::kLiteralTooLarge, "A1"), "command A2 NOOP"));
}

TEST(CommandReaderTest, RefusedAppend) {
  // RFC 3501, 7.5: refused before it was sent.
  EXPECT_THAT(Whole("A1 APPEND x {5}\r\nA2 NOOP\r\n", Small(), false), ElementsAre("append A1 APPEND x |5", "command A2 NOOP"));
  // RFC 7888: on its way, and so is the rest of the command.
  EXPECT_THAT(Whole("A1 APPEND x {8+}\r\nA2 NOOP\r (\\Seen) {4+}\r\nabcd\r\nA2 NOOP\r\n", Small(), false),
              ElementsAre("append A1 APPEND x |8+", "command A2 NOOP"));
  EXPECT_THAT(Whole("A1 APPEND x {1001+}\r\n", Small(), false), ElementsAre("append A1 APPEND x |1001+", "fatal"));
  EXPECT_THAT(Whole("A1 APPEND x {1000+}\r\n" + std::string(1000, 'x') + "\r\nA2 X\r\n", Small(), false),
              ElementsAre("append A1 APPEND x |1000+", "command A2 X"));
}

TEST(CommandReaderTest, RefusesWithinAMessage) {
  CommandReader reader(Small());
  std::string_view input = "A1 APPEND x {10}\r\n";
  EXPECT_EQ(reader.Next(&input).kind, Kind::kAppendLiteral);
  reader.Accept();
  input = "12345";
  EXPECT_EQ(reader.Next(&input).kind, Kind::kAppendData);
  reader.Refuse();
  input = "67890 {3+}\r\nabc {4}\r\nA2 NOOP\r\n";
  CommandReader::Event event = reader.Next(&input);
  EXPECT_EQ(event.kind, Kind::kCommand);
  EXPECT_EQ(event.text, "A2 NOOP");
}

TEST(CommandReaderTest, RefusesAContinuation) {
  CommandReader reader(Small());
  std::string_view input = "A1 LOGIN {10}\r\n";
  const CommandReader::Event event = reader.Next(&input);
  EXPECT_EQ(event.kind, Kind::kContinuation);
  EXPECT_TRUE(event.secret);
  EXPECT_EQ(event.tag, "A1");
  EXPECT_FALSE(reader.idle());
  reader.Refuse();
  input = "A2 NOOP\r\n";
  EXPECT_EQ(reader.Next(&input).text, "A2 NOOP");
  EXPECT_TRUE(reader.idle());
}

TEST(CommandReaderTest, LineLimit) {
  const auto line = [](size_t size) { return "A1 " + std::string(size - 3, 'x'); };
  for (const char* end : {"\r\n", "\n"}) {
    EXPECT_THAT(Whole(line(59) + end), ElementsAre("command " + line(59)));
    EXPECT_THAT(Whole(line(60) + end), ElementsAre("command " + line(60)));
    EXPECT_THAT(Whole(line(61) + end + "A2 X" + end), ElementsAre(ErrorText(Error::kLineTooLong, "A1"), "command A2 X"));
    EXPECT_THAT(Whole(line(500) + end + "A2 X" + end), ElementsAre(ErrorText(Error::kLineTooLong, "A1"), "command A2 X"));
  }
  // A literal at the end of what is skipped is skipped too.
  EXPECT_THAT(Whole(line(80) + " {7+}\r\nA2 X\r\n \r\nA3 Y\r\n"), ElementsAre(ErrorText(Error::kLineTooLong, "A1"), "command A3 Y"));
  EXPECT_THAT(Whole(line(80) + " {7}\r\nA2 X\r\n"), ElementsAre(ErrorText(Error::kLineTooLong, "A1"), "command A2 X"));
  // No end to it.
  EXPECT_EQ(Whole(line(5000)).back(), "fatal");
  // No tag can be read.
  EXPECT_THAT(Whole(std::string(100, 'x') + "\r\n"), ElementsAre(ErrorText(Error::kLineTooLong, "")));
  EXPECT_THAT(Whole(std::string(900, '(') + "\r\n"), ElementsAre(ErrorText(Error::kLineTooLong, "")));
}

TEST(CommandReaderTest, LiteralLimits) {
  const auto literal = [](size_t size, const char* plus) {
    return "A1 X {" + std::to_string(size) + plus + "}\r\n" + std::string(size, 'y') + "\r\nA2 Z\r\n";
  };
  EXPECT_EQ(Whole(literal(39, "+")).size(), 2u);
  EXPECT_EQ(Whole(literal(40, "+")).size(), 2u);
  EXPECT_THAT(Whole(literal(41, "+")), ElementsAre(ErrorText(Error::kLiteralTooLarge, "A1"), "command A2 Z"));
  EXPECT_THAT(Whole("A1 X {41}\r\nA2 Z\r\n"), ElementsAre(ErrorText(Error::kLiteralTooLarge, "A1"), "command A2 Z"));
  EXPECT_THAT(Whole("A1 X {99999999999999999999}\r\nA2 Z\r\n"), ElementsAre(ErrorText(Error::kLiteralTooLarge, "A1"), "command A2 Z"));
  EXPECT_THAT(Whole("A1 X {99999999999999999999+}\r\nA2 Z\r\n"), ElementsAre("fatal"));
  EXPECT_THAT(Whole("A1 X {1001+}\r\n"), ElementsAre("fatal"));
  CommandReader::Limits minus = Small();
  minus.max_non_synchronizing = 10;
  EXPECT_EQ(Whole(literal(10, "+"), minus).front().substr(0, 7), "command");
  EXPECT_THAT(Whole(literal(11, "+"), minus), ElementsAre(ErrorText(Error::kNonSyncTooLarge, "A1"), "command A2 Z"));
  EXPECT_THAT(Whole("A1 APPEND x {11+}\r\n01234567890\r\nA2 Z\r\n", minus),
              ElementsAre(ErrorText(Error::kNonSyncTooLarge, "A1"), "command A2 Z"));
}

TEST(CommandReaderTest, CommandLimit) {
  // 24 + 40 + 14 + 40 octets, and then up to 120.
  const std::string start = "A1 X " + std::string(12, 'x') + "{40+}\r\n" + std::string(40, 'y') + "{40+}\r\n" + std::string(40, 'z');
  ASSERT_EQ(start.size(), 111u);
  EXPECT_EQ(Whole(start + std::string(9, 'w') + "\r\n").front().substr(0, 7), "command");
  EXPECT_THAT(Whole(start + std::string(10, 'w') + "\r\nA2 Z\r\n"), ElementsAre(ErrorText(Error::kCommandTooLarge, "A1"), "command A2 Z"));
  EXPECT_THAT(Whole(start + "{5+}\r\n12345\r\nA2 Z\r\n"), ElementsAre(ErrorText(Error::kCommandTooLarge, "A1"), "command A2 Z"));
  EXPECT_THAT(Whole(start + std::string(10, 'w') + "{5+}\r\n12345\r\nA2 Z\r\n"),
              ElementsAre(ErrorText(Error::kCommandTooLarge, "A1"), "command A2 Z"));
}

TEST(CommandReaderTest, MarksSecrets) {
  CommandReader reader(Small());
  std::string_view input = "A1 login u p\r\nA2 authenticate PLAIN\r\nAHUAcA==\r\nA3 NOOP\r\n";
  EXPECT_TRUE(reader.Next(&input).secret);
  EXPECT_TRUE(reader.Next(&input).secret);
  CommandReader::Event event = reader.NextLine(&input);
  EXPECT_EQ(event.kind, Kind::kLine);
  EXPECT_TRUE(event.secret);
  EXPECT_EQ(event.text, "AHUAcA==");
  event = reader.Next(&input);
  EXPECT_FALSE(event.secret);
  EXPECT_EQ(event.verb, Verb::kNoop);
}

TEST(CommandReaderTest, LinesThatAreNoCommands) {
  for (size_t cut = 0; cut <= 20; ++cut) {
    const std::string octets = "DONE {5}\r\nA1 NOOP\r\n";
    CommandReader reader(Small());
    Log log;
    const auto feed = [&](std::string_view input) {
      for (;;) {
        const CommandReader::Event event = log.empty() ? reader.NextLine(&input) : reader.Next(&input);
        if (event.kind == Kind::kNeedInput) return;
        log.emplace_back(event.text);
      }
    };
    const size_t at = std::min(cut, octets.size());
    feed(octets.substr(0, at)), feed(octets.substr(at));
    EXPECT_THAT(log, ElementsAre("DONE {5}", "A1 NOOP")) << cut;
  }
  CommandReader reader(Small());
  const std::string octets = std::string(61, 'x') + "\r\nok\r\n";
  std::string_view input = octets;
  EXPECT_EQ(reader.NextLine(&input).kind, Kind::kError);
  EXPECT_EQ(reader.NextLine(&input).text, "ok");
}

class SplitTest : public ::testing::TestWithParam<std::string> {};

TEST_P(SplitTest, EverySplitIsTheWhole) {
  for (const bool accept : {true, false}) {
    const std::string& octets = GetParam();
    const Log whole = Whole(octets, Small(), accept);
    for (size_t cut = 0; cut <= octets.size(); ++cut) {
      EXPECT_EQ(Driver(Small(), accept).Run(octets, {cut}), whole) << cut;
    }
    std::vector<size_t> all;
    for (size_t cut = 1; cut < octets.size(); ++cut) all.push_back(cut);
    EXPECT_EQ(Driver(Small(), accept).Run(octets, all), whole);
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, SplitTest,
    ::testing::Values("A1 NOOP\r\nA2 CHECK\nA3 X\r\r\n\r\nA4 Y", "A1 LOGIN {3}\r\nabc {2+}\r\n\r\n\r\nA2 NOOP\r\n",
                      "A1 APPEND INBOX (\\Seen) {5+}\r\nhello (\\Draft) ~{2+}\r\nab\r\nA2 NOOP\r\n",
                      "A1 APPEND {5+}\r\nINBOX {3+}\r\nabc\r\nA2 X {41+}\r\n" + std::string(41, 'q') + " {2+}\r\nab\r\nA3 Z\r\n",
                      "A1 " + std::string(56, 'x') + "\r\r\nA2 " + std::string(57, 'x') + "\r\nA3 " + std::string(58, 'x') + "\r\nA4 NOOP\r\n",
                      "A1 " + std::string(70, 'x') + "{7+}\r\nA2 X\r\n \r\nA3 Y\r\nA4 X {99999999999999999999}\r\nA5 Z\r\n",
                      "A1 X " + std::string(12, 'x') + "{40+}\r\n" + std::string(40, 'y') + "{40+}\r\n" + std::string(40, 'z') + "0123456789\r\nA2 Z\r\n",
                      "A1 X {1001+}\r\nA2 NOOP\r\n"));

}  // namespace
}  // namespace mailmesh::imap
