// bench_client MODE --name value ...: puts one load on one server, and prints one line of JSON. It knows no server: Mailmesh
// and the peer get the same program with other ports.
#include <csignal>
#include <map>
#include <string>

#include "tests/bench/client/loads.h"

int main(int argc, char** argv) {
  using namespace mailmesh::bench;
  const std::map<std::string, Figures (*)(const Options&)> modes = {
      {"imap-fill", ImapFill},     {"imap-cycle", ImapCycle}, {"imap-command", ImapCommand},
      {"imap-log-in", ImapLogIn},  {"imap-fan-out", ImapFanOut}, {"imap-idle", ImapIdle},
      {"pop3", Pop3Download},      {"send", SendMail},
  };
  std::signal(SIGPIPE, SIG_IGN);
  const auto mode = modes.find(argc > 1 ? argv[1] : "");
  if (mode == modes.end()) Die("which load?");
  Print(mode->second(Options(argc, argv)));
  return 0;
}
