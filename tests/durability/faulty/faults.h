// What is to go wrong in this process: switched at run time over a Unix socket, or for its whole life by the environment.
//
// The socket is $MAILMESH_FAULTS/<pid>; a line "set NAME VALUE" sets one of the numbers below, "die" ends the process as a power
// loss does, "stats" tells; each is answered with one line. MAILMESH_SABOTAGE names one of the four mistakes.
// Only in the test binaries of tests/durability. Thread-safe.
#ifndef MAILMESH_TESTS_DURABILITY_FAULTY_FAULTS_H_
#define MAILMESH_TESTS_DURABILITY_FAULTY_FAULTS_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>

namespace mailmesh::faulty {

struct Faults {
  // The next so many of these fail with an I/O error.
  std::atomic<int64_t> fail_writes{0};
  std::atomic<int64_t> fail_syncs{0};
  std::atomic<int64_t> fail_reads{0};
  // Each sync of the log takes so much longer.
  std::atomic<int64_t> sync_delay_ms{0};
  // The process dies before, or after, the so-manieth sync of the log from now; 0: it does not.
  std::atomic<int64_t> die_before_sync{0};
  std::atomic<int64_t> die_after_sync{0};
  // Wall time is so much ahead of the system's.
  std::atomic<int64_t> clock_seconds{0};

  std::atomic<int64_t> log_syncs{0};
};

Faults& TheFaults();

// Counts down; true for those that are to fail.
bool Strikes(std::atomic<int64_t>& left);
// Counts down; true at the last.
bool LastOne(std::atomic<int64_t>& left);

// Mistakes that the durability test must find: kept for the life of the process.
enum class Sabotage {
  kNone,
  kSync,          // "sync": the log is not synced before the reply
  kRequestId,     // "request_id": an operation's id is not in its batch
  kEarlyView,     // "early_view": watchers are told what is not durable yet
  kEarlyCollect,  // "early_collect": a content goes with the first of the messages that refer to it
};
Sabotage TheSabotage();

// Opens the socket; `die` is what "die" does.
void ListenForFaults(std::function<void()> die);

}  // namespace mailmesh::faulty

#endif  // MAILMESH_TESTS_DURABILITY_FAULTY_FAULTS_H_
