#include "services/mailmesh/cli/command_doc.h"

#include <CLI/CLI.hpp>

#include "absl/strings/str_split.h"

namespace mailmesh::cli {
namespace {

// CLI11 says what an option takes in its type: "TEXT:{a,b}", "ENUM:value in {a->0,b->1} OR {0,1}", "TEXT:FILE".
std::vector<std::string> ChoicesOf(const std::string& type) {
  std::vector<std::string> choices;
  const size_t begin = type.find('{');
  const size_t end = type.find('}');
  if (begin == std::string::npos || end == std::string::npos || end < begin) return choices;
  const std::string listed = type.substr(begin + 1, end - begin - 1);
  for (const auto choice : absl::StrSplit(listed, ',', absl::SkipWhitespace())) {
    choices.emplace_back(choice.substr(0, choice.find("->")));
  }
  return choices;
}

OptionDoc Describe(const CLI::Option& option) {
  OptionDoc doc;
  const std::string type = option.get_type_name();
  if (option.get_positional()) {
    doc.names.push_back(option.get_name(true));
  } else {
    for (const std::string& name : option.get_snames()) doc.names.push_back("-" + name);
    for (const std::string& name : option.get_lnames()) doc.names.push_back("--" + name);
  }
  doc.help = option.get_description();
  doc.environment = option.get_envname();
  doc.choices = ChoicesOf(type);
  doc.takes_value = option.get_items_expected_max() > 0;
  doc.takes_file = type.find("FILE") != std::string::npos || type.find("PATH") != std::string::npos ||
                   type.find("DIR") != std::string::npos;
  doc.required = option.get_required();
  doc.many = option.get_items_expected_max() > 1;
  return doc;
}

CommandDoc DescribeBelow(const CLI::App& app, const std::vector<std::string>& path) {
  CommandDoc doc;
  doc.name = app.get_name();
  doc.path = path;
  doc.help = app.get_description();
  doc.footer = app.get_footer();
  for (const CLI::Option* option : app.get_options()) {
    (option->get_positional() ? doc.positionals : doc.options).push_back(Describe(*option));
  }
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (command->get_group().empty()) continue;  // hidden
    std::vector<std::string> below = path;
    below.push_back(command->get_name());
    doc.commands.push_back(DescribeBelow(*command, below));
  }
  return doc;
}

void AddAll(const CommandDoc& command, std::vector<const CommandDoc*>& all) {
  all.push_back(&command);
  for (const CommandDoc& below : command.commands) AddAll(below, all);
}

}  // namespace

CommandDoc DescribeCommands(const CLI::App& app) { return DescribeBelow(app, {}); }

std::vector<const CommandDoc*> AllCommands(const CommandDoc& root) {
  std::vector<const CommandDoc*> all;
  AddAll(root, all);
  return all;
}

}  // namespace mailmesh::cli
