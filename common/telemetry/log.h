// Structured logs: one event a line, as JSON or as text, with a constant message and named values.
//
//   telemetry::Info("message stored", {trace, {"size", size}});
//
// The message is the event's name: a constant, listed in docs/operations/logs.md; whatever varies is a field. Fixed names:
// trace_id span_id session_id account message_id queue_id peer command code error. info is for changes in a message's life and in the process's, debug for protocol
// transcripts, warning for what somebody should look at, error for what somebody must.
//
// Every string value may come from a peer: it is escaped, and cut at kMaxFieldOctets. Credentials never get here: the
// parsers mark them (base::Secret), which has no conversion to a Field.
//
// Thread-safe and cheap: a line is formatted by its caller into a buffer that a thread of the logger writes out within
// kFlushInterval (errors at once). When the reader of the log stops reading, lines are dropped and counted, and nobody
// waits. Logging is the one thing that is global to the process; before ConfigureLogging, text goes to stderr.
#ifndef MAILMESH_COMMON_TELEMETRY_LOG_H_
#define MAILMESH_COMMON_TELEMETRY_LOG_H_

#include <atomic>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/telemetry/trace.h"

namespace mailmesh::telemetry {

enum class Level : int { kDebug = 0, kInfo = 1, kWarning = 2, kError = 3, kOff = 4 };
inline constexpr int kLevels = 4;

enum class LogFormat { kText, kJson };

inline constexpr size_t kMaxFieldOctets = 512;
inline constexpr std::chrono::milliseconds kFlushInterval{20};

// A named value of a line. It borrows its strings: use it in the call only.
class Field {
 public:
  using Value = std::variant<std::string_view, int64_t, uint64_t, double, bool, const Trace*>;

  Field(std::string_view key, std::string_view value) : key(key), value(value) {}
  Field(std::string_view key, const char* value) : key(key), value(std::string_view(value)) {}
  Field(std::string_view key, const std::string& value) : key(key), value(std::string_view(value)) {}
  Field(std::string_view key, absl::string_view value)
      : key(key), value(std::string_view(value.data(), value.size())) {}
  // A status shows as "CODE: message".
  Field(std::string_view key, const absl::Status& status)
      : key(key), owned(status.ToString()), value(std::string_view()) {}
  // A trace shows as trace_id and span_id; an empty one not at all.
  Field(const Trace& trace) : value(&trace) {}  // NOLINT: stands among the other fields without a key
  // A duration shows as a number of seconds.
  Field(std::string_view key, absl::Duration value) : key(key), value(absl::ToDoubleSeconds(value)) {}
  template <std::same_as<bool> T>
  Field(std::string_view key, T value) : key(key), value(value) {}
  template <std::signed_integral T>
  Field(std::string_view key, T value) : key(key), value(static_cast<int64_t>(value)) {}
  template <std::unsigned_integral T>
    requires(!std::same_as<T, bool>)
  Field(std::string_view key, T value) : key(key), value(static_cast<uint64_t>(value)) {}
  template <std::floating_point T>
  Field(std::string_view key, T value) : key(key), value(static_cast<double>(value)) {}

  std::string_view key;
  std::string owned;
  Value value;
};

namespace log_internal {
extern std::atomic<int> level;
void Write(Level level, std::string_view message, std::initializer_list<Field> fields);
}  // namespace log_internal

// True when a line of this level would be written: ask it before making fields that cost something.
inline bool LogEnabled(Level level) {
  return static_cast<int>(level) >= log_internal::level.load(std::memory_order_relaxed);
}

inline void Log(Level level, std::string_view message, std::initializer_list<Field> fields = {}) {
  if (LogEnabled(level)) log_internal::Write(level, message, fields);
}
inline void Debug(std::string_view message, std::initializer_list<Field> fields = {}) {
  Log(Level::kDebug, message, fields);
}
inline void Info(std::string_view message, std::initializer_list<Field> fields = {}) {
  Log(Level::kInfo, message, fields);
}
inline void Warning(std::string_view message, std::initializer_list<Field> fields = {}) {
  Log(Level::kWarning, message, fields);
}
inline void Error(std::string_view message, std::initializer_list<Field> fields = {}) {
  Log(Level::kError, message, fields);
}

struct LogOptions {
  // Shown in every line as `service`; a role's name, with its replica where there are several.
  std::string service;
  Level level = Level::kInfo;
  LogFormat format = LogFormat::kText;
  // A descriptor that stays open; not closed by the logger.
  int descriptor = 2;
};

// Once at start; again in tests.
void ConfigureLogging(const LogOptions& options);

void SetLogLevel(Level level);
Level GetLogLevel();
// "debug", "info", "warning", "error", "off".
std::optional<Level> ParseLevel(std::string_view name);
std::string_view LevelName(Level level);

// Writes out what is buffered; at the end of main, and before ending by signal.
void FlushLogs();

// How many lines each level has seen since the start, and how many were dropped: for the metrics.
uint64_t LogMessages(Level level);
uint64_t DroppedLogMessages();

// One line without its newline, as it would be written; for tests and for tools.
std::string FormatLogLine(LogFormat format, std::string_view service, absl::Time time, Level level,
                          std::string_view message, std::initializer_list<Field> fields);

}  // namespace mailmesh::telemetry

#endif  // MAILMESH_COMMON_TELEMETRY_LOG_H_
