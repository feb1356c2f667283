// Finds the log lines of one message in the logs of all roles: those that name an id, then those that name what these lines
// tie to it (the queue ids that it was given).
//
// Reads lines as the roles write them, text or JSON (common/telemetry/log.h). Memory: the lines found, at most kMaxLines.
#ifndef MAILMESH_SERVICES_MAILMESH_CLI_LOG_SEARCH_H_
#define MAILMESH_SERVICES_MAILMESH_CLI_LOG_SEARCH_H_

#include <absl/status/status.h>

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace mailmesh::cli {

struct LogLine {
  std::string time;     // "2026-03-01T12:00:00.123Z"
  std::string level;
  std::string service;  // the instance: "imap_gateway.1"
  std::string message;
  std::string fields;   // all other fields, as written
  std::string text;     // the whole line
};

// The value of a field, text or JSON; empty if the line does not have it. Escapes stay as written.
std::string_view LogField(std::string_view line, std::string_view key);
LogLine ParseLogLine(std::string_view text);
// Whether a line names the id as a whole word.
bool NamesId(std::string_view line, std::string_view id);

class LogSearch {
 public:
  static constexpr size_t kMaxLines = 10000;

  explicit LogSearch(std::string id) : ids_{std::move(id)} {}
  // Reads the files until nothing new turns up. A file that went away meanwhile (rotation) is skipped.
  absl::Status Run(const std::vector<std::string>& files);

  // In the order of time.
  const std::vector<LogLine>& lines() const { return lines_; }
  // The id asked for and all that it led to.
  const std::set<std::string>& ids() const { return ids_; }
  bool truncated() const { return lines_.size() >= kMaxLines; }

 private:
  // True where the file led to new ids.
  bool Pass(const std::string& file);

  std::set<std::string> ids_;
  std::vector<LogLine> lines_;
};

}  // namespace mailmesh::cli

#endif  // MAILMESH_SERVICES_MAILMESH_CLI_LOG_SEARCH_H_
