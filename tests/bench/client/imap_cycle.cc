// Loads of several connections that each go through a cycle of commands, and those that log in.
#include <random>
#include <string>
#include <vector>

#include "tests/bench/client/imap.h"
#include "tests/bench/client/loads.h"
#include "tests/bench/client/message.h"

namespace mailmesh::bench {
namespace {

using Random = std::minstd_rand;

std::string Pick(Random& random, int count) { return std::to_string(1 + random() % static_cast<unsigned>(count)); }

template <typename Step>
void Timed(Figures& figures, Step step) {
  const Clock::time_point start = Clock::now();
  step();
  figures.latencies.push_back(SecondsSince(start));
  ++figures.count;
}

void Bodies(Imap& imap, const Options& options, Random& random, Figures& figures) {
  const std::string command = "FETCH " + Pick(random, options.Number("messages")) + " BODY.PEEK[]";
  Timed(figures, [&] { imap.Run(command); });
}

void Appends(Imap& imap, const Options& options, Random& random, Figures& figures) {
  const std::string message = MakeMessage(static_cast<int>(random() % 1'000'000), static_cast<size_t>(options.Number("size")));
  Timed(figures, [&] { imap.Append("INBOX", message); });
}

// The mixed load; README.md has it as a table. INBOX keeps its number of messages: one is appended, one expunged.
void Mixed(Imap& imap, const Options& options, Random& random, Figures& figures) {
  const int messages = options.Number("messages");
  const int first = 1 + static_cast<int>(random() % static_cast<unsigned>(messages - 10));
  const std::string one = Pick(random, messages - 1);
  const std::string ten = std::to_string(first) + ":" + std::to_string(first + 9);
  const std::string message = MakeMessage(static_cast<int>(random() % 1'000'000), static_cast<size_t>(options.Number("size")));
  const auto run = [&](const std::string& command) { Timed(figures, [&] { imap.Run(command); }); };
  run("SELECT INBOX");
  run("FETCH " + ten + " (UID FLAGS RFC822.SIZE ENVELOPE)");
  run("FETCH " + one + " BODY.PEEK[]");
  run("UID SEARCH UNSEEN");
  run("STORE " + one + " +FLAGS (\\Seen)");
  run("STORE " + one + " -FLAGS (\\Seen)");
  Timed(figures, [&] { imap.Append("INBOX", message); });
  run("STORE 1 +FLAGS.SILENT (\\Deleted)");
  run("EXPUNGE");
  run("COPY " + one + " Copies");
  run("STATUS Copies (MESSAGES UIDNEXT UNSEEN)");
  run("LIST \"\" \"*\"");
}

}  // namespace

Figures ImapCycle(const Options& options) {
  const std::string& name = options.Text("cycle");
  const auto cycle = name == "bodies" ? Bodies : name == "append" ? Appends : name == "mixed" ? Mixed : nullptr;
  if (cycle == nullptr) Die("no such cycle: " + name);
  const int connections = options.Number("connections");
  const long each = options.Number("count") / connections;
  return InThreads(connections, [&](int i, const std::function<void()>& ready) {
    Random random(static_cast<unsigned>(i * 7919 + options.Number("seed", 1)));
    Imap imap(options);
    imap.LogIn(options, i % options.Number("users"));
    imap.Run("SELECT INBOX");
    Figures figures;
    ready();
    while (figures.count < each) cycle(imap, options, random, figures);
    return figures;
  });
}

Figures ImapLogIn(const Options& options) {
  const int connections = options.Number("connections");
  const int each = options.Number("count") / connections;
  return InThreads(connections, [&](int i, const std::function<void()>& ready) {
    Figures figures;
    ready();
    for (int n = 0; n < each; ++n) {
      Timed(figures, [&] {
        Imap imap(options);
        imap.LogIn(options, (i * each + n) % options.Number("users"));
        imap.Run("LOGOUT");
      });
    }
    return figures;
  });
}

}  // namespace mailmesh::bench
