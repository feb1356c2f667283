// Many connections in IDLE (RFC 2177): what one costs, and how soon they learn of a delivery.
#include <sys/epoll.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/bench/client/imap.h"
#include "tests/bench/client/loads.h"
#include "tests/bench/client/message.h"

namespace mailmesh::bench {
namespace {

using Watchers = std::vector<std::unique_ptr<Imap>>;

Watchers StartWatchers(const Options& options, int connections, int users) {
  Watchers watchers;
  for (int i = 0; i < connections; ++i) {
    watchers.push_back(std::make_unique<Imap>(options));
    watchers.back()->LogIn(options, i % users);
    watchers.back()->Run("SELECT INBOX");
    watchers.back()->StartIdle();
  }
  return watchers;
}

int Poll(const Watchers& watchers) {
  const int poll = epoll_create1(EPOLL_CLOEXEC);
  for (size_t i = 0; i < watchers.size(); ++i) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = i;
    epoll_ctl(poll, EPOLL_CTL_ADD, watchers[i]->descriptor(), &event);
  }
  return poll;
}

// Until each watcher was told once.
void AwaitAll(Watchers& watchers, int poll, Clock::time_point start, Figures& figures) {
  std::vector<bool> told(watchers.size(), false);
  size_t waiting = watchers.size();
  while (waiting > 0) {
    epoll_event events[256];
    const int count = epoll_wait(poll, events, 256, 60'000);
    if (count <= 0) Die(std::to_string(waiting) + " watchers were not told within a minute");
    for (int i = 0; i < count; ++i) {
      const size_t at = events[i].data.u64;
      if (!watchers[at]->ReadsExists() || told[at]) continue;
      told[at] = true;
      --waiting;
      figures.latencies.push_back(SecondsSince(start));
    }
  }
  figures.seconds += SecondsSince(start);
  figures.count += static_cast<long>(watchers.size());
}

}  // namespace

// All watch the INBOX of account 0. The time runs from before the APPEND until a watcher has read EXISTS; `seconds` is the sum,
// over the deliveries, of the time until the last one had.
Figures ImapFanOut(const Options& options) {
  Watchers watchers = StartWatchers(options, options.Number("connections"), 1);
  const int poll = Poll(watchers);
  Imap writer(options);
  writer.LogIn(options, 0);
  Figures figures;
  AwaitStart();
  for (int i = 0; i < options.Number("count"); ++i) {
    const Clock::time_point start = Clock::now();
    writer.Append("INBOX", MakeMessage(i, 1500));
    AwaitAll(watchers, poll, start, figures);
  }
  close(poll);
  return figures;
}

// Holds them between "ready" and the line after it.
Figures ImapIdle(const Options& options) {
  Figures figures;
  const Clock::time_point start = Clock::now();
  const Watchers watchers = StartWatchers(options, options.Number("connections"), options.Number("users"));
  figures.seconds = SecondsSince(start);
  figures.count = static_cast<long>(watchers.size());
  AwaitStart();
  return figures;
}

}  // namespace mailmesh::bench
