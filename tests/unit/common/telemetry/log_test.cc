#include "common/telemetry/log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <limits>
#include <thread>
#include <vector>

#include "absl/strings/str_split.h"
#include "absl/time/clock.h"

namespace mailmesh::telemetry {
namespace {

const absl::Time kTime = absl::FromUnixMillis(1'700'000'000'007);

std::string Json(std::string_view message, std::initializer_list<Field> fields) {
  return FormatLogLine(LogFormat::kJson, "imap_gateway", kTime, Level::kInfo, message, fields);
}
std::string Text(std::string_view message, std::initializer_list<Field> fields) {
  return FormatLogLine(LogFormat::kText, "imap_gateway", kTime, Level::kWarning, message, fields);
}

TEST(LogFormatTest, JsonHasTheFixedKeysFirst) {
  const std::string head = R"({"ts":"2023-11-14T22:13:20.007Z","level":"info","service":"imap_gateway","msg":)";
  EXPECT_EQ(Json("message stored", {}), head + R"("message stored"})");
  EXPECT_EQ(Json("m", {{"queue_id", "abc"}, {"size", 42}, {"big", ~uint64_t{0}}, {"ratio", 0.5}, {"tls", true}}),
            head + R"("m","queue_id":"abc","size":42,"big":18446744073709551615,"ratio":0.5,"tls":true})");
  EXPECT_EQ(Json("m", {{"took", absl::Milliseconds(1500)}, {"error", absl::NotFoundError("no \"x\"")}}),
            head + R"("m","took":1.5,"error":"NOT_FOUND: no \"x\""})");
  EXPECT_EQ(Json("m", {{"x", std::numeric_limits<double>::infinity()}, {"ok", absl::OkStatus()}}),
            head + R"("m","x":null,"ok":"OK"})");
}

TEST(LogFormatTest, ATraceIsTwoFields) {
  const Trace trace{"0af7651916cd43dd8448eb211c80319c", "00f067aa0ba902b7"};
  EXPECT_NE(Json("m", {trace, {"size", 1}}).find(R"("msg":"m","trace_id":"0af7651916cd43dd8448eb211c80319c","span_id":"00f067aa0ba902b7","size":1})"),
            std::string::npos);
  EXPECT_NE(Text("m", {trace}).find(": m trace_id=0af7651916cd43dd8448eb211c80319c span_id=00f067aa0ba902b7"), std::string::npos);
  EXPECT_NE(Json("m", {Trace(), {"size", 1}}).find(R"("msg":"m","size":1})"), std::string::npos);
}

TEST(LogFormatTest, JsonEscapesWhatAPeerSent) {
  const std::string line = Json("m", {{"command", std::string("a\"b\\c\r\n\x1b\xff\xc3\xbc\0", 12)}});
  EXPECT_NE(line.find(R"("command":"a\"b\\c\\r\\n\\x1b\\xff)"
                      "\xc3\xbc"
                      R"(\\x00")"),
            std::string::npos)
      << line;
}

TEST(LogFormatTest, LongValuesAreCut) {
  const std::string line = Json("m", {{"command", std::string(100'000, 'x')}});
  EXPECT_LT(line.size(), 800u);
  EXPECT_NE(line.find("(99488 more)"), std::string::npos);
}

TEST(LogFormatTest, TextQuotesWhereNeeded) {
  EXPECT_EQ(
      Text("closed", {{"session_id", "s1"}, {"state", "not yet"}, {"empty", ""}, {"evil", "a\nb=c"}, {"n", -3}}),
      R"(2023-11-14T22:13:20.007Z warning imap_gateway: closed session_id=s1 state="not yet" empty="" evil="a\\nb=c" n=-3)");
}

// Logs through a pipe.
class LogTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(pipe2(pipe_, O_CLOEXEC | O_NONBLOCK), 0); }
  void TearDown() override {
    ConfigureLogging({});
    close(pipe_[0]);
    close(pipe_[1]);
  }
  std::string Read() {
    std::string text;
    char buffer[65536];
    ssize_t n;
    while ((n = read(pipe_[0], buffer, sizeof(buffer))) > 0) text.append(buffer, static_cast<size_t>(n));
    return text;
  }
  int pipe_[2];
};

TEST_F(LogTest, LevelCanBeChangedWhileRunning) {
  ConfigureLogging({.service = "x", .level = Level::kWarning, .format = LogFormat::kText, .descriptor = pipe_[1]});
  Info("one");
  Warning("two");
  SetLogLevel(Level::kDebug);
  Debug("three");
  SetLogLevel(Level::kOff);
  Error("four");
  FlushLogs();
  const std::string text = Read();
  EXPECT_EQ(text.find("one"), std::string::npos);
  EXPECT_NE(text.find("two"), std::string::npos);
  EXPECT_NE(text.find("three"), std::string::npos);
  EXPECT_EQ(text.find("four"), std::string::npos);
}

TEST_F(LogTest, ErrorsAreWrittenBeforeTheCallReturns) {
  ConfigureLogging({.service = "x", .format = LogFormat::kJson, .descriptor = pipe_[1]});
  const uint64_t before = LogMessages(Level::kError);
  Error("broken");
  EXPECT_NE(Read().find("broken"), std::string::npos);
  EXPECT_EQ(LogMessages(Level::kError), before + 1);
}

TEST_F(LogTest, OtherLinesAreWrittenSoon) {
  ConfigureLogging({.service = "x", .format = LogFormat::kJson, .descriptor = pipe_[1]});
  Info("soon");
  std::string text;
  for (int i = 0; i < 500 && text.empty(); ++i) {
    absl::SleepFor(absl::Milliseconds(10));
    text = Read();
  }
  EXPECT_NE(text.find("soon"), std::string::npos);
}

TEST_F(LogTest, LinesOfManyThreadsStayWhole) {
  ConfigureLogging({.service = "x", .format = LogFormat::kText, .descriptor = pipe_[1]});
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([t] {
      for (int i = 0; i < 100; ++i) Info("line", {{"thread", t}, {"number", i}});
    });
  }
  for (std::thread& thread : threads) thread.join();
  FlushLogs();
  const std::string text = Read();
  const std::vector<std::string> lines = absl::StrSplit(text, '\n');
  ASSERT_EQ(lines.size(), 401u);
  for (size_t i = 0; i < 400; ++i) EXPECT_NE(lines[i].find(" info    x: line thread="), std::string::npos) << lines[i];
}

TEST_F(LogTest, AReaderThatStoppedHoldsNobodyUp) {
  ConfigureLogging({.service = "x", .format = LogFormat::kText, .descriptor = pipe_[1]});
  const uint64_t before = DroppedLogMessages();
  const std::string filler(400, 'x');
  for (int i = 0; i < 20'000; ++i) Info("line", {{"filler", filler}});  // 8 MB into a pipe of 64 KiB
  EXPECT_GT(DroppedLogMessages(), before);
}

}  // namespace
}  // namespace mailmesh::telemetry
