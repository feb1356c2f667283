#include "tests/bench/client/latency.h"

#include <algorithm>
#include <barrier>
#include <cstdio>
#include <thread>

#include "tests/bench/client/options.h"

namespace mailmesh::bench {
namespace {

double Quantile(const std::vector<double>& sorted, double part) {
  if (sorted.empty()) return 0;
  const auto at = static_cast<size_t>(part * static_cast<double>(sorted.size()));
  return sorted[std::min(at, sorted.size() - 1)] * 1000;
}

}  // namespace

double SecondsSince(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

void AwaitStart() {
  std::puts("ready");
  std::fflush(stdout);
  if (std::getchar() == EOF) Die("standard input ended before the start");
}

void Figures::Add(const Figures& other) {
  count += other.count;
  latencies.insert(latencies.end(), other.latencies.begin(), other.latencies.end());
}

Figures InThreads(int threads, const std::function<Figures(int, const std::function<void()>&)>& work) {
  std::barrier ready(threads + 1);
  std::vector<Figures> parts(static_cast<size_t>(threads));
  std::vector<std::thread> running;
  for (int i = 0; i < threads; ++i) {
    running.emplace_back(
        [&, i] {
          parts[static_cast<size_t>(i)] = work(i, [&ready] {
            ready.arrive_and_wait();  // all are ready
            ready.arrive_and_wait();  // all may start
          });
        });
  }
  ready.arrive_and_wait();
  AwaitStart();
  ready.arrive_and_wait();
  const Clock::time_point start = Clock::now();
  for (std::thread& thread : running) thread.join();
  Figures all;
  all.seconds = SecondsSince(start);
  for (const Figures& part : parts) all.Add(part);
  return all;
}

void Print(Figures figures) {
  std::sort(figures.latencies.begin(), figures.latencies.end());
  std::printf("{\"count\": %ld, \"seconds\": %.6f, \"p50_ms\": %.4f, \"p99_ms\": %.4f, \"max_ms\": %.4f}\n", figures.count,
              figures.seconds, Quantile(figures.latencies, 0.5), Quantile(figures.latencies, 0.99),
              Quantile(figures.latencies, 1));
  std::fflush(stdout);
}

}  // namespace mailmesh::bench
