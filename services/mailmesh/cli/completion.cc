// Completion for bash, zsh and fish. All three walk the words typed so far to the command that they name, and offer what can
// follow it: commands, options, the values of an option, files.
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "services/mailmesh/cli/command_doc.h"

namespace mailmesh::cli {
namespace {

// " account create": how the scripts name a command.
std::string Key(const CommandDoc& command) {
  std::string key;
  for (const std::string& word : command.path) absl::StrAppend(&key, " ", word);
  return key;
}

// A word in single quotes of any of the shells.
std::string ShellQuote(std::string_view text) {
  return absl::StrCat("'", absl::StrReplaceAll(std::string(text), {{"'", "'\\''"}}), "'");
}
std::string FishQuote(std::string_view text) {
  return absl::StrCat("'", absl::StrReplaceAll(std::string(text), {{"\\", "\\\\"}, {"'", "\\'"}}), "'");
}

// Commands and options that can follow, with their help.
std::vector<std::pair<std::string, std::string>> Words(const CommandDoc& command, const CommandDoc& root) {
  std::vector<std::pair<std::string, std::string>> words;
  for (const CommandDoc& below : command.commands) words.emplace_back(below.name, below.help);
  for (const OptionDoc& option : command.positionals) {
    for (const std::string& choice : option.choices) words.emplace_back(choice, option.help);
  }
  const auto add_options = [&](const CommandDoc& of) {
    for (const OptionDoc& option : of.options) {
      for (const std::string& name : option.names) words.emplace_back(name, option.help);
    }
  };
  add_options(command);
  if (&command != &root) add_options(root);
  return words;
}

bool TakesFiles(const CommandDoc& command) {
  for (const OptionDoc& option : command.positionals) {
    if (option.takes_file) return true;
  }
  return false;
}

// case patterns of all commands: they lead the walk.
std::string Patterns(const CommandDoc& root) {
  std::vector<std::string> patterns;
  for (const CommandDoc* command : AllCommands(root)) {
    if (command != &root) patterns.push_back(ShellQuote(Key(*command)));
  }
  return absl::StrJoin(patterns, "|");
}

// Lines `PATTERN) SET ;;` for the values of options; `values` and `files` are what the shell does with them.
template <class Values>
std::string ValueCases(const CommandDoc& root, const Values& values, std::string_view files) {
  std::string out;
  for (const CommandDoc* command : AllCommands(root)) {
    for (const OptionDoc& option : command->options) {
      if (!option.takes_value) continue;
      // The program's own options go with every command.
      for (const std::string& name : option.names) {
        const std::string pattern = command == &root ? absl::StrCat("*", ShellQuote(" " + name))
                                                     : ShellQuote(absl::StrCat(Key(*command), " ", name));
        absl::StrAppend(&out, "    ", pattern, ") ",
                        !option.choices.empty() ? values(option.choices) : option.takes_file ? std::string(files) : "",
                        " return ;;\n");
      }
    }
  }
  return out;
}

}  // namespace

std::string BashCompletion(const CommandDoc& root) {
  std::string out = absl::StrCat(
      "# bash completion for mailmesh; made by `mailmesh docs`.\n"
      "_mailmesh() {\n"
      "  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} path= i\n"
      "  for ((i = 1; i < COMP_CWORD; ++i)); do\n"
      "    case \"$path ${COMP_WORDS[i]}\" in\n      ",
      Patterns(root), ") path=\"$path ${COMP_WORDS[i]}\" ;;\n    esac\n  done\n  COMPREPLY=()\n  case \"$path $prev\" in\n");
  out += ValueCases(
      root,
      [](const std::vector<std::string>& choices) {
        return absl::StrCat("COMPREPLY=($(compgen -W ", ShellQuote(absl::StrJoin(choices, " ")), " -- \"$cur\"));");
      },
      "COMPREPLY=($(compgen -f -- \"$cur\"));");
  out += "  esac\n  case \"$path\" in\n";
  for (const CommandDoc* command : AllCommands(root)) {
    std::vector<std::string> words;
    for (const auto& [word, help] : Words(*command, root)) words.push_back(word);
    absl::StrAppend(&out, "    ", ShellQuote(Key(*command)), ") COMPREPLY=($(compgen -W ", ShellQuote(absl::StrJoin(words, " ")),
                    TakesFiles(*command) ? " -f" : "", " -- \"$cur\")) ;;\n");
  }
  return out + "  esac\n}\ncomplete -F _mailmesh mailmesh\n";
}

std::string ZshCompletion(const CommandDoc& root) {
  std::string out = absl::StrCat(
      "#compdef mailmesh\n"
      "# zsh completion for mailmesh; made by `mailmesh docs`.\n"
      "_mailmesh() {\n"
      "  local path_= prev=${words[CURRENT-1]} i\n"
      "  local -a found\n"
      "  for ((i = 2; i < CURRENT; ++i)); do\n"
      "    case \"$path_ ${words[i]}\" in\n      ",
      Patterns(root), ") path_=\"$path_ ${words[i]}\" ;;\n    esac\n  done\n  case \"$path_ $prev\" in\n");
  out += ValueCases(
      root,
      [](const std::vector<std::string>& choices) {
        std::vector<std::string> quoted;
        for (const std::string& choice : choices) quoted.push_back(ShellQuote(choice));
        return absl::StrCat("compadd -- ", absl::StrJoin(quoted, " "), ";");
      },
      "_files;");
  out += "  esac\n  case \"$path_\" in\n";
  for (const CommandDoc* command : AllCommands(root)) {
    absl::StrAppend(&out, "    ", ShellQuote(Key(*command)), ") ", TakesFiles(*command) ? "_files; " : "", "found=(");
    for (const auto& [word, help] : Words(*command, root)) {
      absl::StrAppend(&out, " ", ShellQuote(absl::StrCat(word, ":", help)));
    }
    absl::StrAppend(&out, ") ;;\n");
  }
  return out + "  esac\n  _describe 'mailmesh' found\n}\n_mailmesh \"$@\"\n";
}

std::string FishCompletion(const CommandDoc& root) {
  std::string out =
      "# fish completion for mailmesh; made by `mailmesh docs`.\n"
      "# The command that the words typed so far name: \" account create\".\n"
      "function __mailmesh_path\n"
      "  set -l path ''\n"
      "  for word in (commandline -opc)[2..-1]\n"
      "    switch \"$path $word\"\n"
      "      case";
  for (const CommandDoc* command : AllCommands(root)) {
    if (command != &root) absl::StrAppend(&out, " ", FishQuote(Key(*command)));
  }
  out +=
      "\n        set path \"$path $word\"\n    end\n  end\n  echo $path\nend\n"
      "function __mailmesh_at\n  test (__mailmesh_path) = \"$argv[1]\"\nend\n"
      "complete -c mailmesh -f\n";
  for (const CommandDoc* command : AllCommands(root)) {
    const std::string at =
        command == &root ? "" : absl::StrCat(" -n ", FishQuote(absl::StrCat("__mailmesh_at ", FishQuote(Key(*command)))));
    const std::string at_here = absl::StrCat(" -n ", FishQuote(absl::StrCat("__mailmesh_at ", FishQuote(Key(*command)))));
    for (const CommandDoc& below : command->commands) {
      absl::StrAppend(&out, "complete -c mailmesh", at_here, " -a ", FishQuote(below.name), " -d ", FishQuote(below.help), "\n");
    }
    if (TakesFiles(*command)) absl::StrAppend(&out, "complete -c mailmesh", at_here, " -F\n");
    for (const OptionDoc& option : command->options) {
      absl::StrAppend(&out, "complete -c mailmesh", at);
      for (const std::string& name : option.names) {
        absl::StrAppend(&out, name.starts_with("--") ? " -l " : " -s ", name.substr(name.find_first_not_of('-')));
      }
      if (option.takes_value) absl::StrAppend(&out, option.takes_file ? " -rF" : " -x");
      if (!option.choices.empty()) absl::StrAppend(&out, " -a ", FishQuote(absl::StrJoin(option.choices, " ")));
      absl::StrAppend(&out, " -d ", FishQuote(option.help), "\n");
    }
  }
  return out;
}

}  // namespace mailmesh::cli
