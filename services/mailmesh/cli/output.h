// What commands print: a table for people, or JSON for programs.
#ifndef MAILMESH_SERVICES_MAILMESH_CLI_OUTPUT_H_
#define MAILMESH_SERVICES_MAILMESH_CLI_OUTPUT_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mailmesh::cli {

enum class OutputFormat { kTable, kJson };

// A list of like things. Column names are lower_snake_case: the keys of the JSON objects, the table's head in capitals.
class Table {
 public:
  explicit Table(std::vector<std::string> columns) : columns_(std::move(columns)) {}
  bool empty() const { return rows_.empty(); }
  // As many cells as columns.
  void AddRow(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  // JSON: an array of objects with string values. Ends with a newline.
  std::string Format(OutputFormat format) const;

 private:
  std::vector<std::string> columns_;
  std::vector<std::vector<std::string>> rows_;
};

// One thing: `key: value` lines, or a JSON object.
std::string FormatRecord(const std::vector<std::pair<std::string, std::string>>& fields, OutputFormat format);

// "2026-03-01 12:00:00" in UTC; "-" for 0.
std::string FormatTime(int64_t seconds);
// Text from elsewhere, safe for a terminal: control characters are escaped.
std::string Printable(std::string_view text);

}  // namespace mailmesh::cli

#endif  // MAILMESH_SERVICES_MAILMESH_CLI_OUTPUT_H_
