// The commands as data, read from the one description that the parser itself uses: for man pages and completion.
#ifndef MAILMESH_SERVICES_MAILMESH_CLI_COMMAND_DOC_H_
#define MAILMESH_SERVICES_MAILMESH_CLI_COMMAND_DOC_H_

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace mailmesh::cli {

struct OptionDoc {
  std::vector<std::string> names;  // "-o", "--output"; of a positional its one name, "ADDRESS"
  std::string help;
  std::string environment;
  std::vector<std::string> choices;  // the values that it takes, where they are few
  bool takes_value = false;
  bool takes_file = false;
  bool required = false;
  bool many = false;
};

struct CommandDoc {
  std::string name;
  std::vector<std::string> path;  // without the program: {"account", "create"}
  std::string help;
  std::string footer;
  std::vector<OptionDoc> options;
  std::vector<OptionDoc> positionals;
  std::vector<CommandDoc> commands;  // hidden ones are left out
};

CommandDoc DescribeCommands(const CLI::App& app);

// `commands` and all below it, each before what is below it.
std::vector<const CommandDoc*> AllCommands(const CommandDoc& root);

// man(7), one page for the program and one for each of its commands. Name ("mailmesh-account.1") and text.
struct ManEdition {
  std::string version;
  std::string date;  // 2026-03-01
};
std::vector<std::pair<std::string, std::string>> ManPages(const CommandDoc& root, const ManEdition& edition);
std::string BashCompletion(const CommandDoc& root);
std::string ZshCompletion(const CommandDoc& root);
std::string FishCompletion(const CommandDoc& root);

}  // namespace mailmesh::cli

#endif  // MAILMESH_SERVICES_MAILMESH_CLI_COMMAND_DOC_H_
