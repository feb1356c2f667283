#include "services/mailmesh/cli/log_search.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "common/base/random.h"
#include "common/telemetry/log.h"

namespace mailmesh::cli {
namespace {

using telemetry::FormatLogLine;
using telemetry::Level;
using telemetry::LogFormat;

std::string Line(LogFormat format, int second, std::initializer_list<telemetry::Field> fields) {
  return FormatLogLine(format, "imap_gateway.1", absl::FromUnixSeconds(1'772'366'400 + second), Level::kInfo, "it happened", fields);
}

TEST(LogSearch, ReadsWhatTheRolesWrite) {
  for (const LogFormat format : {LogFormat::kText, LogFormat::kJson}) {
    const std::string text =
        Line(format, 0, {{"peer", "says \"uid=7 queue_id=evil\""}, {"queue_id", "q1"}, {"uid", 12}, {"empty", ""}, {"last", "z"}});
    EXPECT_EQ(LogField(text, "queue_id"), "q1") << text;
    EXPECT_EQ(LogField(text, "uid"), "12") << text;
    EXPECT_EQ(LogField(text, "empty"), "") << text;
    EXPECT_EQ(LogField(text, "last"), "z") << text;
    EXPECT_EQ(LogField(text, "nothing"), "") << text;
    const LogLine line = ParseLogLine(text);
    EXPECT_EQ(line.time, "2026-03-01T12:00:00.000Z");
    EXPECT_EQ(line.level, "info");
    EXPECT_EQ(line.service, "imap_gateway.1");
    EXPECT_EQ(line.message, "it happened");
    EXPECT_NE(line.fields.find("q1"), std::string::npos);
    EXPECT_EQ(line.fields.find("it happened"), std::string::npos);
  }
  EXPECT_EQ(ParseLogLine("not a line").message, "");
  EXPECT_EQ(ParseLogLine("").text, "");
  EXPECT_EQ(ParseLogLine(Line(LogFormat::kText, 0, {})).message, "it happened");
}

TEST(LogSearch, AnIdIsAWholeWord) {
  EXPECT_TRUE(NamesId("id=abc123 x", "abc123"));
  EXPECT_TRUE(NamesId("abc123", "abc123"));
  EXPECT_TRUE(NamesId("xabc123 abc123", "abc123"));
  EXPECT_FALSE(NamesId("id=abc1234", "abc123"));
  EXPECT_FALSE(NamesId("id=_abc123", "abc123"));
}

TEST(LogSearch, FollowsTheIdsThatAreTiedToIt) {
  const auto folder = std::filesystem::temp_directory_path() / ("search-" + base::NewIdText());
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "a") << Line(LogFormat::kText, 3, {{"queue_id", "queue1"}, {"recipient", "x@y"}}) << "\n"
                              << Line(LogFormat::kText, 2, {{"trace_id", "corr01"}, {"queue_id", "queue1"}}) << "\n"
                              << Line(LogFormat::kText, 4, {{"queue_id", "queue1"}, {"notification_id", "queue2"}}) << "\n";
  std::ofstream(folder / "b") << Line(LogFormat::kJson, 1, {{"correlation_id", "corr01"}, {"session_id", "s"}}) << "\n"
                              << Line(LogFormat::kJson, 6, {{"session_id", "s"}, {"trace_id", "other1"}}) << "\n"
                              << Line(LogFormat::kJson, 5, {{"queue_id", "queue2"}}) << "\n";
  LogSearch search("corr01");
  ASSERT_TRUE(search.Run({folder / "a", folder / "gone", folder / "b"}).ok());
  std::string seconds;
  for (const LogLine& line : search.lines()) seconds += line.time.substr(18, 1);
  EXPECT_EQ(seconds, "12345");
  EXPECT_EQ(search.ids(), (std::set<std::string>{"corr01", "queue1", "queue2"}));
  EXPECT_FALSE(LogSearch("corr01").Run({}).ok());
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace mailmesh::cli
