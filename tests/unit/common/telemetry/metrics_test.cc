#include "common/telemetry/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "absl/strings/numbers.h"
#include "common/telemetry/pool_metrics.h"
#include "common/telemetry/process_metrics.h"

namespace mailmesh::telemetry {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(RegistryTest, DeclaredMetricsAreThereFromTheStart) {
  Registry registry;
  registry.AddCounter("mailmesh_a_total", "As.");
  registry.AddGauge("mailmesh_b", "Bs.");
  registry.AddHistogram("mailmesh_c_seconds", "Cs.", {0.1, 1});
  registry.AddCounterFamily("mailmesh_d_total", "Ds.", {{"kind", {"x", "y"}}, {"result", {"ok", "failed"}}});
  const std::string text = registry.Text();
  EXPECT_THAT(text, HasSubstr("# HELP mailmesh_a_total As.\n# TYPE mailmesh_a_total counter\nmailmesh_a_total 0\n"));
  EXPECT_THAT(text, HasSubstr("mailmesh_b 0\n"));
  EXPECT_THAT(text, HasSubstr("mailmesh_c_seconds_bucket{le=\"0.1\"} 0\n"));
  for (const char* labels : {R"({kind="x",result="ok"})", R"({kind="x",result="failed"})", R"({kind="y",result="ok"})",
                             R"({kind="y",result="failed"})"}) {
    EXPECT_THAT(text, HasSubstr(std::string("mailmesh_d_total") + labels + " 0\n"));
  }
}

TEST(RegistryTest, CountsByIndexAndByText) {
  Registry registry;
  const CounterFamily family =
      registry.AddCounterFamily("mailmesh_d_total", "Ds.", {{"kind", {"x", "y"}}, {"result", {"ok", "failed"}}});
  family.At({1, 0}).Increment();
  family.With({"y", "ok"}).Increment(2);
  EXPECT_EQ(family.At({1, 0}).Value(), 3);
  EXPECT_EQ(family.At({0, 1}).Value(), 0);
  // What nobody declared, a peer may have chosen.
  family.With({"y", "attack-1"}).Increment();
  family.With({"y", "attack-2"}).Increment();
  EXPECT_THAT(registry.Text(), HasSubstr("mailmesh_d_total{kind=\"y\",result=\"other\"} 2\n"));
  EXPECT_THAT(registry.Text(), Not(HasSubstr("attack")));
}

TEST(RegistryTest, HistogramsOfAFamilyComeWithTheirFirstValue) {
  Registry registry;
  const HistogramFamily family =
      registry.AddHistogramFamily("mailmesh_e_seconds", "Es.", {{"kind", {"x", "y"}}}, {1, 2});
  EXPECT_THAT(registry.Text(), Not(HasSubstr("kind=\"x\"")));
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([family] {
      for (int i = 0; i < 1000; ++i) family.At({0}).Observe(1.5);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(family.At({0}).Count(), 4000u);
  EXPECT_THAT(registry.Text(), HasSubstr("mailmesh_e_seconds_bucket{kind=\"x\",le=\"2\"} 4000\n"));
}

TEST(RegistryTest, OpenLabelsTakeWhatTheProgramGives) {
  Registry registry;
  const GaugeFamily family = registry.AddGaugeFamily("mailmesh_f", "Fs.", {{"pool", {}}});
  family.With({"db"}).Set(3);
  family.With({"db"}).Add();
  family.With({"hash"}).Subtract();
  EXPECT_THAT(registry.Text(), HasSubstr("mailmesh_f{pool=\"db\"} 4\n"));
  EXPECT_THAT(registry.Text(), HasSubstr("mailmesh_f{pool=\"hash\"} -1\n"));
}

TEST(RegistryTest, RaiseToNeverLowers) {
  Registry registry;
  const Counter counter = registry.AddCounter("mailmesh_a_total", "As.");
  counter.RaiseTo(5);
  counter.RaiseTo(3);
  EXPECT_EQ(counter.Value(), 5);
}

TEST(RegistryTest, HooksRunUntilTheyAreLetGo) {
  Registry registry;
  int runs = 0;
  {
    ScrapeHook hook = registry.OnScrape([&runs] { ++runs; });
    registry.Text();
    ScrapeHook moved = std::move(hook);
    registry.Text();
  }
  registry.Text();
  EXPECT_EQ(runs, 2);
}

TEST(RegistryDeathTest, MistakesOfTheProgramEndIt) {
  Registry registry;
  registry.AddCounter("mailmesh_a_total", "As.");
  EXPECT_DEATH(registry.AddGauge("mailmesh_a_total", "As."), "declared twice: mailmesh_a_total");
  EXPECT_DEATH(registry.AddGauge("mailmesh_b", ""), "without help");
  const CounterFamily family = registry.AddCounterFamily("mailmesh_c_total", "Cs.", {{"kind", {"x"}}});
  EXPECT_DEATH(family.At({1}), "out of range");
  EXPECT_DEATH(family.With({"x", "y"}), "does not fit");
}

double ValueOf(const std::string& text, const std::string& name) {
  const size_t start = text.find("\n" + name + " ");
  if (start == std::string::npos) return -1;
  const size_t value = start + name.size() + 2;
  double number = -1;
  const bool good = absl::SimpleAtod(text.substr(value, text.find('\n', value) - value), &number);
  return good ? number : -1;
}

TEST(ProcessMetricsTest, SayWhatTheProcessUses) {
  Registry registry;
  const ScrapeHook hook = AddProcessMetrics(registry, "imap_gateway");
  const std::string text = registry.Text();
  EXPECT_THAT(text, HasSubstr("role=\"imap_gateway\""));
  EXPECT_GT(ValueOf(text, "process_cpu_seconds_total"), 0);
  EXPECT_GT(ValueOf(text, "process_resident_memory_bytes"), 1e6);
  EXPECT_GT(ValueOf(text, "process_virtual_memory_bytes"), 1e6);
  EXPECT_GE(ValueOf(text, "process_open_fds"), 3);
  EXPECT_GT(ValueOf(text, "process_max_fds"), 3);
  EXPECT_GE(ValueOf(text, "process_threads"), 1);
  const double start = ValueOf(text, "process_start_time_seconds");
  EXPECT_LE(start, static_cast<double>(time(nullptr)) + 1);
  EXPECT_GT(start, static_cast<double>(time(nullptr)) - 3600);
  EXPECT_THAT(text, HasSubstr("mailmesh_log_messages_total{level=\"error\"} "));
}

TEST(PoolMetricsTest, SayHowBusyAPoolIs) {
  Registry registry;
  const PoolMetrics metrics(registry);
  const auto observer = metrics.ForPool("db");
  {
    base::WorkerPool pool({.name = "db", .threads = 1, .observer = observer.get()});
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(pool.Post([] {}).ok());
  }
  const std::string text = registry.Text();
  EXPECT_THAT(text, HasSubstr("mailmesh_threadpool_queue_depth{pool=\"db\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("mailmesh_threadpool_task_wait_seconds_count{pool=\"db\"} 5\n"));
  EXPECT_THAT(text, HasSubstr("mailmesh_threadpool_refused_total{pool=\"db\"} 0\n"));
}

}  // namespace
}  // namespace mailmesh::telemetry
