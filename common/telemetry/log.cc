#include "common/telemetry/log.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/base_sink.h>

#include <array>
#include <memory>
#include <mutex>

#include "absl/time/clock.h"
#include "common/telemetry/log_format.h"
#include "common/telemetry/log_sink.h"

namespace mailmesh::telemetry {
namespace {

// What may wait for the reader of the log.
constexpr size_t kBufferLimit = 4 << 20;

// Hands spdlog's records, formatted already, to the buffer.
class Sink final : public spdlog::sinks::sink {
 public:
  explicit Sink(int descriptor) : out_(descriptor, kFlushInterval, kBufferLimit) {}
  void log(const spdlog::details::log_msg& record) override {
    out_.Append({record.payload.data(), record.payload.size()});
  }
  void flush() override { out_.Flush(); }
  void set_pattern(const std::string&) override {}
  void set_formatter(std::unique_ptr<spdlog::formatter>) override {}
  uint64_t dropped() const { return out_.dropped(); }

 private:
  BufferedDescriptor out_;
};

spdlog::level::level_enum ToSpdlog(Level level) {
  switch (level) {
    case Level::kDebug:
      return spdlog::level::debug;
    case Level::kInfo:
      return spdlog::level::info;
    case Level::kWarning:
      return spdlog::level::warn;
    case Level::kError:
      return spdlog::level::err;
    case Level::kOff:
      return spdlog::level::off;
  }
  return spdlog::level::info;
}

// The logger in use and how it writes; replaced as a whole, so that a line never sees half of a change.
struct Output {
  explicit Output(const LogOptions& options)
      : options(options), sink(std::make_shared<Sink>(options.descriptor)), logger("mailmesh", sink) {
    logger.set_level(spdlog::level::trace);  // the level is tested before a line is made
    logger.flush_on(spdlog::level::err);
  }
  LogOptions options;
  std::shared_ptr<Sink> sink;  // shared with the logger
  spdlog::logger logger;
};

struct Global {
  std::mutex mutex;
  std::shared_ptr<Output> output;  // shared with the lines being written
  std::array<std::atomic<uint64_t>, kLevels> messages{};
  std::atomic<uint64_t> dropped_before{0};  // by outputs that were replaced
};

// Never destroyed, so that the last destructors can still log; FlushLogs at the end of main writes out.
Global& TheGlobal() {
  static Global& global = *new Global;
  return global;
}

std::shared_ptr<Output> CurrentOutput() {
  Global& global = TheGlobal();
  std::lock_guard lock(global.mutex);
  if (global.output == nullptr) global.output = std::make_shared<Output>(LogOptions{.service = "mailmesh"});
  return global.output;
}

}  // namespace

namespace log_internal {

std::atomic<int> level{static_cast<int>(Level::kInfo)};

void Write(Level level, std::string_view message, std::initializer_list<Field> fields) {
  if (level >= Level::kOff) return;
  TheGlobal().messages[static_cast<size_t>(level)].fetch_add(1, std::memory_order_relaxed);
  const std::shared_ptr<Output> output = CurrentOutput();
  static thread_local std::string line;
  line.clear();
  AppendLogLine(output->options.format, output->options.service, absl::Now(), level, message,
                {fields.begin(), fields.size()}, line);
  output->logger.log(ToSpdlog(level), spdlog::string_view_t(line.data(), line.size()));
  if (line.capacity() > 16384) line.shrink_to_fit();
}

}  // namespace log_internal

void ConfigureLogging(const LogOptions& options) {
  auto output = std::make_shared<Output>(options);
  SetLogLevel(options.level);
  Global& global = TheGlobal();
  std::lock_guard lock(global.mutex);
  if (global.output != nullptr) global.dropped_before += global.output->sink->dropped();
  global.output.swap(output);
}

void SetLogLevel(Level level) { log_internal::level.store(static_cast<int>(level), std::memory_order_relaxed); }

Level GetLogLevel() { return static_cast<Level>(log_internal::level.load(std::memory_order_relaxed)); }

std::optional<Level> ParseLevel(std::string_view name) {
  for (const Level level : {Level::kDebug, Level::kInfo, Level::kWarning, Level::kError, Level::kOff}) {
    if (name == LevelName(level)) return level;
  }
  return std::nullopt;
}

std::string_view LevelName(Level level) {
  switch (level) {
    case Level::kDebug:
      return "debug";
    case Level::kInfo:
      return "info";
    case Level::kWarning:
      return "warning";
    case Level::kError:
      return "error";
    case Level::kOff:
      return "off";
  }
  return "unknown";
}

void FlushLogs() { CurrentOutput()->logger.flush(); }

uint64_t LogMessages(Level level) {
  if (level >= Level::kOff) return 0;
  return TheGlobal().messages[static_cast<size_t>(level)].load(std::memory_order_relaxed);
}

uint64_t DroppedLogMessages() {
  Global& global = TheGlobal();
  std::lock_guard lock(global.mutex);
  return global.dropped_before + (global.output != nullptr ? global.output->sink->dropped() : 0);
}

}  // namespace mailmesh::telemetry
