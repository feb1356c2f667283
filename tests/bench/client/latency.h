#ifndef MAILMESH_TESTS_BENCH_CLIENT_LATENCY_H_
#define MAILMESH_TESTS_BENCH_CLIENT_LATENCY_H_

#include <chrono>
#include <functional>
#include <vector>

// Time of each operation, and of the whole load.
namespace mailmesh::bench {

using Clock = std::chrono::steady_clock;

double SecondsSince(Clock::time_point start);

// What a load did. `count` is in the load's own unit; `latencies` has one entry for each thing that was waited for.
struct Figures {
  long count = 0;
  double seconds = 0;
  std::vector<double> latencies;

  void Add(const Figures& other);
};

// Says "ready" and waits for a line on standard input: whoever measures the server looks at its counters in between.
void AwaitStart();

// Runs `work(i)` in `threads` threads. Each calls the function that it is given when it is ready (connected, logged in). When all
// are: AwaitStart(), and the time runs until the last has ended. `seconds` of what the threads return is not looked at.
Figures InThreads(int threads, const std::function<Figures(int, const std::function<void()>&)>& work);

// {"count": ..., "seconds": ..., "p50_ms": ..., "p99_ms": ..., "max_ms": ...}
void Print(Figures figures);

}  // namespace mailmesh::bench

#endif  // MAILMESH_TESTS_BENCH_CLIENT_LATENCY_H_
