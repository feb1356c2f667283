#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "services/mailmesh/cli/command_doc.h"

namespace mailmesh::cli {
namespace {

// Text for roff: nothing in it is a request, an escape or a hyphen that breaks a line.
std::string Roff(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') out += "\\e";
    else if (c == '-') out += "\\-";
    else if (c == '\n') out += "\n.br\n";
    else out += c;
  }
  if (!out.empty() && (out.front() == '.' || out.front() == '\'')) out.insert(0, "\\&");
  return out;
}

std::string Bold(std::string_view text) { return absl::StrCat("\\fB", Roff(text), "\\fR"); }
std::string Italic(std::string_view text) { return absl::StrCat("\\fI", Roff(text), "\\fR"); }

std::string ValueName(const OptionDoc& option) {
  if (!option.choices.empty()) return absl::StrJoin(option.choices, "|");
  std::string name = option.names.back();
  name.erase(0, name.find_first_not_of('-'));
  return absl::AsciiStrToUpper(name);
}

std::string FullName(const CommandDoc& command) {
  std::vector<std::string> words{"mailmesh"};
  words.insert(words.end(), command.path.begin(), command.path.end());
  return absl::StrJoin(words, " ");
}

std::string Synopsis(const CommandDoc& command) {
  std::string line = Bold(FullName(command));
  if (!command.commands.empty()) absl::StrAppend(&line, " ", Italic("COMMAND"));
  for (const OptionDoc& option : command.positionals) {
    std::string word = absl::StrCat(Italic(option.names.front()), option.many ? " ..." : "");
    absl::StrAppend(&line, " ", option.required ? word : absl::StrCat("[", word, "]"));
  }
  if (!command.options.empty()) absl::StrAppend(&line, " [", Italic("OPTION"), " ...]");
  return line;
}

void AppendOption(const OptionDoc& option, bool positional, std::string& out) {
  std::vector<std::string> names;
  for (const std::string& name : option.names) names.push_back(positional ? Italic(name) : Bold(name));
  absl::StrAppend(&out, ".TP\n", absl::StrJoin(names, ", "));
  if (!positional && option.takes_value) absl::StrAppend(&out, " ", Italic(ValueName(option)));
  absl::StrAppend(&out, "\n", option.help.empty() ? "\\&" : Roff(option.help), "\n");
  if (!option.environment.empty()) {
    absl::StrAppend(&out, "Also taken from the environment: ", Bold(option.environment), ".\n");
  }
}

void AppendOptions(const CommandDoc& command, std::string& out) {
  for (const OptionDoc& option : command.positionals) AppendOption(option, true, out);
  for (const OptionDoc& option : command.options) AppendOption(option, false, out);
}

std::string Head(const std::string& name, const std::string& help, const ManEdition& edition) {
  return absl::StrCat(".TH ", absl::AsciiStrToUpper(name), " 1 ", edition.date, " \"Mailmesh ", edition.version, "\" \"Mailmesh\"\n.SH NAME\n",
                      Roff(name), " \\- ", Roff(help), "\n");
}

std::string ProgramPage(const CommandDoc& root, const ManEdition& edition) {
  std::string page = Head("mailmesh", root.help, edition);
  absl::StrAppend(&page, ".SH SYNOPSIS\n", Synopsis(root), "\n.SH COMMANDS\n");
  for (const CommandDoc& command : root.commands) {
    absl::StrAppend(&page, ".TP\n.BR mailmesh\\-", Roff(command.name), " (1)\n", Roff(command.help), "\n");
  }
  page += ".SH OPTIONS\nThese go with every command, before or after its name.\n";
  AppendOptions(root, page);
  absl::StrAppend(&page, ".SH EXIT STATUS\n", Roff(root.footer), "\n");
  return page;
}

std::string CommandPage(const CommandDoc& command, const ManEdition& edition) {
  std::string page = Head("mailmesh-" + command.name, command.help, edition);
  std::vector<std::string> synopses;
  for (const CommandDoc* each : AllCommands(command)) {
    if (each->commands.empty()) synopses.push_back(Synopsis(*each));
  }
  absl::StrAppend(&page, ".SH SYNOPSIS\n", absl::StrJoin(synopses, "\n.br\n"), "\n.SH DESCRIPTION\n");
  absl::StrAppend(&page, Roff(command.help), ".\n");
  for (const CommandDoc* each : AllCommands(command)) {
    if (!each->commands.empty()) continue;
    if (each != &command) absl::StrAppend(&page, ".SS ", Roff(FullName(*each)), "\n", Roff(each->help), ".\n");
    AppendOptions(*each, page);
  }
  page += ".SH SEE ALSO\n.BR mailmesh (1)\n";
  return page;
}

}  // namespace

std::vector<std::pair<std::string, std::string>> ManPages(const CommandDoc& root, const ManEdition& edition) {
  std::vector<std::pair<std::string, std::string>> pages{{"mailmesh.1", ProgramPage(root, edition)}};
  for (const CommandDoc& command : root.commands) {
    pages.emplace_back(absl::StrCat("mailmesh-", command.name, ".1"), CommandPage(command, edition));
  }
  return pages;
}

}  // namespace mailmesh::cli
