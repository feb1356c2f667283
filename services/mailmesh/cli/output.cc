#include "services/mailmesh/cli/output.h"

#include <algorithm>
#include <cstdio>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

namespace mailmesh::cli {
namespace {

std::string Quote(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (octet < 0x20 || octet == 0x7f) {
      char escaped[8];
      std::snprintf(escaped, sizeof(escaped), "\\u%04x", octet);
      out += escaped;
    } else {
      out += c;
    }
  }
  return out + "\"";
}

// Columns of a terminal that a UTF-8 text takes, near enough: code points.
size_t Width(std::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

std::string JsonObject(const std::vector<std::string>& keys, const std::vector<std::string>& values) {
  std::string out = "{";
  for (size_t i = 0; i < keys.size(); ++i) {
    absl::StrAppend(&out, i > 0 ? ", " : "", Quote(keys[i]), ": ", Quote(values[i]));
  }
  return out + "}";
}

}  // namespace

std::string Table::Format(OutputFormat format) const {
  std::string out;
  if (format == OutputFormat::kJson) {
    out = "[";
    for (size_t i = 0; i < rows_.size(); ++i) absl::StrAppend(&out, i > 0 ? ",\n " : "", JsonObject(columns_, rows_[i]));
    return out + "]\n";
  }
  std::vector<size_t> widths;
  for (const std::string& column : columns_) widths.push_back(Width(column));
  for (const auto& row : rows_) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], Width(Printable(row[i])));
  }
  const auto add_line = [&](const std::vector<std::string>& cells) {
    for (size_t i = 0; i < cells.size(); ++i) {
      absl::StrAppend(&out, cells[i]);
      if (i + 1 < cells.size()) out.append(widths[i] - Width(cells[i]) + 2, ' ');
    }
    out += '\n';
  };
  std::vector<std::string> head;
  for (const std::string& column : columns_) head.push_back(absl::AsciiStrToUpper(column));
  add_line(head);
  for (const auto& row : rows_) {
    std::vector<std::string> cells;
    for (const std::string& cell : row) cells.push_back(Printable(cell));
    add_line(cells);
  }
  return out;
}

std::string FormatRecord(const std::vector<std::pair<std::string, std::string>>& fields, OutputFormat format) {
  std::string out;
  if (format == OutputFormat::kJson) {
    std::vector<std::string> keys, values;
    for (const auto& [key, value] : fields) {
      keys.push_back(key);
      values.push_back(value);
    }
    return JsonObject(keys, values) + "\n";
  }
  for (const auto& [key, value] : fields) absl::StrAppend(&out, key, ": ", Printable(value), "\n");
  return out;
}

std::string FormatTime(int64_t seconds) {
  if (seconds == 0) return "-";
  return absl::FormatTime("%Y-%m-%d %H:%M:%S", absl::FromUnixSeconds(seconds), absl::UTCTimeZone());
}

std::string Printable(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    if (octet < 0x20 || octet == 0x7f) {
      char escaped[8];
      std::snprintf(escaped, sizeof(escaped), "\\x%02x", octet);
      out += escaped;
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace mailmesh::cli
