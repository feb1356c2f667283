// One connection: filling a mailbox, and timing one command.
#include <algorithm>
#include <optional>
#include <string>

#include "tests/bench/client/imap.h"
#include "tests/bench/client/loads.h"
#include "tests/bench/client/message.h"

namespace mailmesh::bench {
namespace {

// RFC 3502: so many messages in one APPEND are synced once.
constexpr int kBatch = 200;

void FillAccount(const Options& options, int account) {
  Imap imap(options);
  imap.LogIn(options, account);
  const std::string mailbox = options.Text("mailbox", "INBOX");
  if (mailbox != "INBOX") imap.Try("CREATE " + mailbox);
  const int count = options.Number("count");
  for (int done = 0; done < count; done += kBatch) {
    std::string command = "APPEND " + mailbox;
    for (int i = done; i < std::min(count, done + kBatch); ++i) {
      const std::string message = MakeMessage(i, static_cast<size_t>(options.Number("size")));
      // Half of them read, so that searches for flags have something to tell apart.
      command += std::string(i % 2 == 0 ? " (\\Seen)" : "") + " {" + std::to_string(message.size()) + "+}\r\n" + message;
    }
    imap.Run(command);
  }
}

}  // namespace

Figures ImapFill(const Options& options) {
  const int users = options.Number("users");
  const int threads = std::min(users, 4);
  return InThreads(threads, [&](int i, const std::function<void()>& ready) {
    ready();
    Figures figures;
    for (int account = i; account < users; account += threads) {
      FillAccount(options, account);
      figures.count += options.Number("count");
    }
    return figures;
  });
}

// --prepare and --clean-up are run before and after each --command, and are not timed. --other takes turns with --command,
// for commands that do nothing when they are repeated. What --warm-up times run first is not in the figures. --fresh 1: each
// command is the first one of a session of its own, without a mailbox.
Figures ImapCommand(const Options& options) {
  const bool fresh = options.Number("fresh", 0) != 0;
  std::optional<Imap> imap;
  const std::string commands[] = {options.Text("command"), options.Text("other", options.Text("command"))};
  const std::string prepare = options.Text("prepare", "");
  const std::string clean_up = options.Text("clean-up", "");
  const int warm_up = options.Number("warm-up", 1);
  Figures figures;
  for (int i = 0; i < warm_up + options.Number("count"); ++i) {
    if (i == warm_up) AwaitStart();
    if (fresh || !imap) {
      imap.emplace(options);
      imap->LogIn(options, 0);
      if (!fresh) imap->Run("SELECT " + options.Text("mailbox", "INBOX"));
    }
    if (!prepare.empty()) imap->Run(prepare);
    const Clock::time_point start = Clock::now();
    imap->Run(commands[i % 2]);
    const double took = SecondsSince(start);
    if (!clean_up.empty()) imap->Run(clean_up);
    if (i < warm_up) continue;
    figures.latencies.push_back(took);
    figures.seconds += took;
    ++figures.count;
  }
  imap->Run("LOGOUT");
  return figures;
}

}  // namespace mailmesh::bench
