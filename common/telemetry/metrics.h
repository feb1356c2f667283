// Metrics: declared once with help, initialised to 0, labels with closed sets of values, cheap to count on.
//
//   // in the role's metrics.h
//   telemetry::Counter accepted = registry.AddCounter("mailmesh_smtp_messages_total", "Messages accepted.");
//   telemetry::CounterFamily results = registry.AddCounterFamily("mailmesh_smtp_transactions_total", "...",
//       {{"listener", {"mx", "submission"}}, {"result", {"accepted", "rejected"}}});
//   // on the hot path
//   metrics.accepted.Increment();
//   metrics.results.At({kMx, kAccepted}).Increment();   // indexes into the declared values
//   metrics.results.With({"mx", verb}).Increment();      // by text: slower; unknown text counts as "other"
//
// Names follow prometheus.io's rules: mailmesh_ first, base units, _total for counters. A label never holds an address,
// a domain, an account or anything a peer chose.
//
// Handles are small values that point into the registry and stay valid as long as it lives. Counting is thread-safe;
// a declaration twice under one name ends the process (a mistake in the program).
#ifndef MAILMESH_COMMON_TELEMETRY_METRICS_H_
#define MAILMESH_COMMON_TELEMETRY_METRICS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace prometheus {
class Counter;
class Gauge;
class Histogram;
}  // namespace prometheus

namespace mailmesh::telemetry {

class Registry;

class Counter {
 public:
  void Increment(double by = 1) const;
  // For a total that somebody else keeps (RocksDB's tickers): raises the counter to `total`, never lowers it.
  void RaiseTo(double total) const;
  double Value() const;

 private:
  friend class Registry;
  template <class, class>
  friend class Family;
  explicit Counter(prometheus::Counter* counter) : counter_(counter) {}
  prometheus::Counter* counter_;
};

class Gauge {
 public:
  void Set(double value) const;
  void Add(double by = 1) const;
  void Subtract(double by = 1) const;
  double Value() const;

 private:
  friend class Registry;
  template <class, class>
  friend class Family;
  explicit Gauge(prometheus::Gauge* gauge) : gauge_(gauge) {}
  prometheus::Gauge* gauge_;
};

class Histogram {
 public:
  void Observe(double value) const;
  // How many values were observed; for tests.
  uint64_t Count() const;

 private:
  friend class Registry;
  template <class, class>
  friend class Family;
  explicit Histogram(prometheus::Histogram* histogram) : histogram_(histogram) {}
  prometheus::Histogram* histogram_;
};

// A label and all the values that it can have. No values: the program itself adds them with With() (the names of gRPC
// methods, column families, peers of the configuration): never from what a peer sent.
struct Label {
  std::string name;
  std::vector<std::string> values;
};

namespace metrics_internal {
class FamilyState;
}

// The metrics under one name. A cheap handle, like its members. Counters and gauges of closed label sets exist from the
// start; a histogram comes into being with its first value, for its empty buckets would bloat every scrape.
template <class Metric, class Raw>
class Family {
 public:
  // By the indexes of the declared values, one per label, in the order of the labels. Ends the process when an index is
  // out of range, or where a label is open.
  Metric At(std::initializer_list<size_t> indexes) const;
  // By text. A value that was not declared counts as "other", which is then a value of the label.
  Metric With(std::initializer_list<std::string_view> values) const;

 private:
  friend class Registry;
  explicit Family(metrics_internal::FamilyState* state) : state_(state) {}
  metrics_internal::FamilyState* state_;
};

using CounterFamily = Family<Counter, prometheus::Counter>;
using GaugeFamily = Family<Gauge, prometheus::Gauge>;
using HistogramFamily = Family<Histogram, prometheus::Histogram>;

extern template class Family<Counter, prometheus::Counter>;
extern template class Family<Gauge, prometheus::Gauge>;
extern template class Family<Histogram, prometheus::Histogram>;

// Buckets for latencies, 0.5 ms to 10 s, and for what is slower (deliveries, jobs), 10 ms to 1 h; and for sizes,
// 1 KiB to 64 MiB.
const std::vector<double>& LatencyBuckets();
const std::vector<double>& LongLatencyBuckets();
const std::vector<double>& SizeBuckets();

// Keeps a function registered with OnScrape; letting go of it waits for a scrape that is under way.
class ScrapeHook {
 public:
  ScrapeHook() = default;
  ScrapeHook(ScrapeHook&& other) noexcept;
  ScrapeHook& operator=(ScrapeHook&& other) noexcept;
  ~ScrapeHook();

 private:
  friend class Registry;
  ScrapeHook(std::weak_ptr<void> registry, uint64_t id);
  void Release();
  std::weak_ptr<void> registry_;
  uint64_t id_ = 0;
};

// All metrics of a process. Must outlive every handle.
class Registry {
 public:
  Registry();
  ~Registry();
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  Counter AddCounter(std::string_view name, std::string_view help);
  Gauge AddGauge(std::string_view name, std::string_view help);
  Histogram AddHistogram(std::string_view name, std::string_view help, const std::vector<double>& buckets);

  CounterFamily AddCounterFamily(std::string_view name, std::string_view help, std::vector<Label> labels);
  GaugeFamily AddGaugeFamily(std::string_view name, std::string_view help, std::vector<Label> labels);
  HistogramFamily AddHistogramFamily(std::string_view name, std::string_view help, std::vector<Label> labels,
                                     const std::vector<double>& buckets);

  // `hook` runs before each scrape, on the scraper's thread, to set what is polled rather than counted.
  [[nodiscard]] ScrapeHook OnScrape(std::function<void()> hook);

  // Everything in Prometheus' text format. Runs the hooks.
  std::string Text();

 private:
  friend class ScrapeHook;
  class Impl;
  std::shared_ptr<Impl> impl_;  // also seen, weakly, by the hooks' handles
};

}  // namespace mailmesh::telemetry

#endif  // MAILMESH_COMMON_TELEMETRY_METRICS_H_
