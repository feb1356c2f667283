#include "common/telemetry/log_format.h"

#include <charconv>
#include <cmath>

#include "common/base/bytes.h"

namespace mailmesh::telemetry {
namespace {

// Two digits and more, with leading zeros.
void AppendNumber(int value, int width, std::string& out) {
  char digits[8];
  for (int i = width; i-- > 0; value /= 10) digits[i] = static_cast<char>('0' + value % 10);
  out.append(digits, static_cast<size_t>(width));
}

// RFC 3339 in UTC with milliseconds. By hand: absl::FormatTime costs more than the rest of the line.
void AppendTime(absl::Time time, std::string& out) {
  const int64_t milliseconds = absl::ToUnixMillis(time);
  // The date and the clock up to the second are the same for many lines.
  static thread_local int64_t cached_second = -1;
  static thread_local std::string cached;
  if (milliseconds / 1000 != cached_second) {
    const absl::TimeZone::CivilInfo info = absl::UTCTimeZone().At(time);
    cached.clear();
    AppendNumber(static_cast<int>(info.cs.year()), 4, cached);
    cached += '-';
    AppendNumber(info.cs.month(), 2, cached);
    cached += '-';
    AppendNumber(info.cs.day(), 2, cached);
    cached += 'T';
    AppendNumber(info.cs.hour(), 2, cached);
    cached += ':';
    AppendNumber(info.cs.minute(), 2, cached);
    cached += ':';
    AppendNumber(info.cs.second(), 2, cached);
    cached += '.';
    cached_second = milliseconds / 1000;
  }
  out += cached;
  AppendNumber(static_cast<int>(milliseconds % 1000), 3, out);
  out += 'Z';
}

bool IsPlain(std::string_view text) {
  for (const char c : text) {
    if (c < 0x20 || c == 0x7f || c == '"' || c == '\\' || static_cast<unsigned char>(c) >= 0x80) return false;
  }
  return text.size() <= kMaxFieldOctets;
}

// Quotes and backslashes get a backslash; the rest was made printable before.
void AppendQuoted(std::string_view text, std::string& out) {
  out += '"';
  if (IsPlain(text)) {
    out += text;
  } else {
    for (const char c : base::Printable(text, kMaxFieldOctets)) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
  }
  out += '"';
}

// True where a value of a text line needs no quotes.
bool IsWord(std::string_view text) {
  if (text.empty() || !IsPlain(text)) return false;
  return text.find_first_of(" =") == std::string_view::npos;
}

template <class T>
void AppendChars(T value, std::string& out) {
  char digits[32];
  const auto [end, error] = std::to_chars(digits, digits + sizeof(digits), value);
  if (error == std::errc()) out.append(digits, end);
}

void AppendValue(LogFormat format, const Field& field, std::string& out) {
  struct Visitor {
    LogFormat format;
    const Field& field;
    std::string& out;
    void operator()(std::string_view text) const {
      if (!field.owned.empty()) text = field.owned;
      if (format == LogFormat::kText && IsWord(text)) {
        out += text;
      } else {
        AppendQuoted(text, out);
      }
    }
    void operator()(bool value) const { out += value ? "true" : "false"; }
    void operator()(int64_t value) const { AppendChars(value, out); }
    void operator()(uint64_t value) const { AppendChars(value, out); }
    // JSON has neither infinity nor NaN.
    void operator()(double value) const {
      if (std::isfinite(value)) {
        AppendChars(value, out);
      } else {
        out += "null";
      }
    }
    void operator()(const Trace*) const {}  // AppendField has made two fields of it
  };
  std::visit(Visitor{format, field, out}, field.value);
}

// With what stands between it and the one before.
void AppendField(LogFormat format, const Field& field, std::string& out) {
  if (const auto* trace = std::get_if<const Trace*>(&field.value)) {
    if ((**trace).empty()) return;
    AppendField(format, {"trace_id", (**trace).trace_id}, out);
    AppendField(format, {"span_id", (**trace).span_id}, out);
    return;
  }
  if (format == LogFormat::kJson) {
    out += ',';
    AppendQuoted(field.key, out);
    out += ':';
  } else {
    out += ' ';
    out += field.key;
    out += '=';
  }
  AppendValue(format, field, out);
}

void AppendJson(std::string_view service, absl::Time time, Level level, std::string_view message,
                std::span<const Field> fields, std::string& out) {
  out += R"({"ts":")";
  AppendTime(time, out);
  out += R"(","level":")";
  out += LevelName(level);
  out += R"(","service":)";
  AppendQuoted(service, out);
  out += R"(,"msg":)";
  AppendQuoted(message, out);
  for (const Field& field : fields) AppendField(LogFormat::kJson, field, out);
  out += "}\n";
}

void AppendText(std::string_view service, absl::Time time, Level level, std::string_view message,
                std::span<const Field> fields, std::string& out) {
  AppendTime(time, out);
  out += ' ';
  const std::string_view name = LevelName(level);
  out += name;
  out.append(name.size() < 7 ? 8 - name.size() : 1, ' ');
  out += service;
  out += ": ";
  if (IsPlain(message)) {
    out += message;
  } else {
    out += base::Printable(message, kMaxFieldOctets);
  }
  for (const Field& field : fields) AppendField(LogFormat::kText, field, out);
  out += '\n';
}

}  // namespace

void AppendLogLine(LogFormat format, std::string_view service, absl::Time time, Level level, std::string_view message,
                   std::span<const Field> fields, std::string& out) {
  if (format == LogFormat::kJson) {
    AppendJson(service, time, level, message, fields, out);
  } else {
    AppendText(service, time, level, message, fields, out);
  }
}

std::string FormatLogLine(LogFormat format, std::string_view service, absl::Time time, Level level,
                          std::string_view message, std::initializer_list<Field> fields) {
  std::string line;
  AppendLogLine(format, service, time, level, message, {fields.begin(), fields.size()}, line);
  line.pop_back();
  return line;
}

}  // namespace mailmesh::telemetry
