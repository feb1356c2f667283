#include "services/mailmesh/cli/log_search.h"

#include <algorithm>
#include <cctype>
#include <fstream>

#include "absl/strings/str_cat.h"

namespace mailmesh::cli {
namespace {

// A message has few ids: one for its way, one for each time that it was queued. A chain of notifications is short.
constexpr int kMaxPasses = 6;
constexpr size_t kMaxIds = 1000;
// What ties lines together; correlation_id: in the logs of older versions. Session and account are left out: they are of many
// messages.
constexpr std::string_view kLinks[] = {"trace_id", "correlation_id", "queue_id", "notification_id"};

bool IsWordChar(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

// Where a quoted value that begins at `start` (after the quote) ends.
size_t QuoteEnd(std::string_view line, size_t start) {
  for (size_t i = start; i < line.size(); ++i) {
    if (line[i] == '\\') ++i;
    else if (line[i] == '"') return i;
  }
  return line.size();
}

std::string_view ValueAt(std::string_view line, size_t start) {
  if (start < line.size() && line[start] == '"') return line.substr(start + 1, QuoteEnd(line, start + 1) - start - 1);
  return line.substr(start, line.find_first_of(" ,}", start) - start);
}

}  // namespace

std::string_view LogField(std::string_view line, std::string_view key) {
  const bool json = !line.empty() && line.front() == '{';
  const std::string wanted = json ? absl::StrCat("\"", std::string(key), "\":") : absl::StrCat(" ", std::string(key), "=");
  bool quoted = false;
  for (size_t i = 0; i + wanted.size() <= line.size(); ++i) {
    // In text, a key stands outside quotes; in JSON it is quoted itself and no value has a bare quote.
    if (line[i] == '\\' && (quoted || json)) {
      ++i;
      continue;
    }
    if (line.compare(i, wanted.size(), wanted) == 0 && !quoted) return ValueAt(line, i + wanted.size());
    if (line[i] == '"' && !json) quoted = !quoted;
  }
  return {};
}

LogLine ParseLogLine(std::string_view text) {
  LogLine line;
  line.text = std::string(text);
  if (!text.empty() && text.front() == '{') {
    line.time = LogField(text, "ts");
    line.level = LogField(text, "level");
    line.service = LogField(text, "service");
    const std::string_view message = LogField(text, "msg");
    line.message = message;
    if (!message.empty()) {
      const size_t rest = static_cast<size_t>(message.data() - text.data()) + message.size() + 2;
      if (rest < text.size()) line.fields = text.substr(rest, text.size() - rest - (text.back() == '}' ? 1 : 0));
    }
    return line;
  }
  // "TIME LEVEL   SERVICE: MESSAGE key=value ..."
  const size_t level = text.find(' ');
  if (level == std::string_view::npos) return line;
  const size_t level_end = std::min(text.find(' ', level + 1), text.size());
  const size_t service = text.find_first_not_of(' ', level_end);
  const size_t colon = service == std::string_view::npos ? service : text.find(": ", service);
  if (colon == std::string_view::npos) return line;
  line.time = text.substr(0, level);
  line.level = text.substr(level + 1, level_end - level - 1);
  line.service = text.substr(service, colon - service);
  const std::string_view rest = text.substr(colon + 2);
  // The message is a constant without "=": the word before the first one is the first key.
  const size_t equals = rest.find('=');
  const size_t key = equals == std::string_view::npos ? std::string_view::npos : rest.rfind(' ', equals);
  line.message = rest.substr(0, key);
  if (key != std::string_view::npos) line.fields = rest.substr(key + 1);
  return line;
}

bool NamesId(std::string_view line, std::string_view id) {
  for (size_t at = line.find(id); at != std::string_view::npos; at = line.find(id, at + 1)) {
    const size_t end = at + id.size();
    if ((at == 0 || !IsWordChar(line[at - 1])) && (end == line.size() || !IsWordChar(line[end]))) return true;
  }
  return false;
}

bool LogSearch::Pass(const std::string& file) {
  std::ifstream in(file);
  bool news = false;
  std::string text;
  while (std::getline(in, text) && lines_.size() < kMaxLines) {
    if (std::none_of(ids_.begin(), ids_.end(), [&](const std::string& id) { return NamesId(text, id); })) continue;
    lines_.push_back(ParseLogLine(text));
    for (const std::string_view link : kLinks) {
      const std::string_view value = LogField(text, link);
      if (!value.empty() && ids_.size() < kMaxIds && ids_.insert(std::string(value)).second) news = true;
    }
  }
  return news;
}

absl::Status LogSearch::Run(const std::vector<std::string>& files) {
  if (files.empty()) return absl::NotFoundError("no logs to look through");
  bool news = true;
  for (int pass = 0; pass < kMaxPasses && news; ++pass) {
    news = false;
    lines_.clear();
    for (const std::string& file : files) news = Pass(file) || news;
  }
  std::stable_sort(lines_.begin(), lines_.end(), [](const LogLine& a, const LogLine& b) { return a.time < b.time; });
  return absl::OkStatus();
}

}  // namespace mailmesh::cli
