#include "common/config/loader.h"

#include <algorithm>
#include <tuple>
#include <variant>

#include "absl/strings/str_cat.h"
#include "common/base/file.h"
#include "common/base/status.h"
#include "common/config/checker.h"
#include "common/config/reader.h"
#include "common/config/yaml_tree.h"
#include "google/protobuf/message.h"

namespace mailmesh::config {

std::vector<Problem> LoadYaml(std::string_view text, google::protobuf::Message* message, const LoadOptions& options) {
  std::variant<YamlNode, Problem> tree = ParseYaml(text);
  if (auto* problem = std::get_if<Problem>(&tree)) return {std::move(*problem)};
  std::vector<Problem> problems;
  Places places;
  Reader(problems, places).ReadSection(std::get<YamlNode>(tree), "", *message);
  Checker(options, places, problems).CheckSection("", *message);
  std::stable_sort(problems.begin(), problems.end(), [](const Problem& a, const Problem& b) {
    return std::tie(a.line, a.column) < std::tie(b.line, b.column);
  });
  return problems;
}

std::vector<Problem> Complete(google::protobuf::Message* message, const LoadOptions& options) {
  std::vector<Problem> problems;
  const Places nowhere;
  Checker(options, nowhere, problems).CheckSection("", *message);
  return problems;
}

std::string FormatProblems(std::string_view file, const std::vector<Problem>& problems) {
  std::string text;
  for (const Problem& problem : problems) {
    absl::StrAppend(&text, text.empty() ? "" : "\n", base::Av(file));
    if (problem.line > 0) absl::StrAppend(&text, ":", problem.line, ":", problem.column);
    absl::StrAppend(&text, ": ", problem.path, problem.path.empty() ? "" : ": ", problem.text);
  }
  return text;
}

absl::Status LoadFile(const std::string& path, google::protobuf::Message* message, const LoadOptions& options) {
  const absl::StatusOr<std::string> text = base::ReadFile(path);
  if (!text.ok()) return base::Annotate(text.status(), "configuration");
  const std::vector<Problem> problems = LoadYaml(*text, message, options);
  if (problems.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(FormatProblems(path, problems));
}

}  // namespace mailmesh::config
