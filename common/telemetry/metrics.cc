#include "common/telemetry/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <sstream>
#include <type_traits>
#include <utility>

namespace mailmesh::telemetry {

namespace metrics_internal {

class FamilyState {
 public:
  virtual ~FamilyState() = default;
};

}  // namespace metrics_internal

namespace {

[[noreturn]] void ProgramError(std::string_view what, std::string_view name) {
  std::fprintf(stderr, "metrics: %.*s: %.*s\n", static_cast<int>(what.size()), what.data(),
               static_cast<int>(name.size()), name.data());
  std::abort();
}

constexpr std::string_view kOther = "other";

// The labels of a family, with what At() needs: all combinations of values, numbered.
class LabelSpace {
 public:
  LabelSpace(std::string_view name, std::vector<Label> labels) : name_(name), labels_(std::move(labels)) {
    for (const Label& label : labels_) {
      if (label.values.empty()) closed_ = false;
      combinations_ *= label.values.size();
    }
  }

  bool closed() const { return closed_; }
  // 0 where a label is open.
  size_t combinations() const { return combinations_; }

  size_t Number(std::initializer_list<size_t> indexes) const {
    if (!closed_ || indexes.size() != labels_.size()) ProgramError("At() does not fit the labels", name_);
    size_t number = 0;
    size_t i = 0;
    for (const size_t index : indexes) {
      const size_t count = labels_[i++].values.size();
      if (index >= count) ProgramError("At() is given an index out of range", name_);
      number = number * count + index;
    }
    return number;
  }

  // Nothing where a label is open or a value was not declared.
  std::optional<size_t> Find(std::initializer_list<std::string_view> values) const {
    if (!closed_ || values.size() != labels_.size()) return std::nullopt;
    size_t number = 0;
    size_t i = 0;
    for (const std::string_view value : values) {
      const std::vector<std::string>& declared = labels_[i++].values;
      const auto found = std::find(declared.begin(), declared.end(), value);
      if (found == declared.end()) return std::nullopt;
      number = number * declared.size() + static_cast<size_t>(found - declared.begin());
    }
    return number;
  }

  prometheus::Labels LabelsOf(size_t number) const {
    prometheus::Labels result;
    for (size_t i = labels_.size(); i-- > 0;) {
      const size_t count = labels_[i].values.size();
      result.emplace(labels_[i].name, labels_[i].values[number % count]);
      number /= count;
    }
    return result;
  }

  prometheus::Labels LabelsOf(std::initializer_list<std::string_view> values) const {
    if (values.size() != labels_.size()) ProgramError("With() does not fit the labels", name_);
    prometheus::Labels result;
    size_t i = 0;
    for (const std::string_view value : values) {
      const Label& label = labels_[i++];
      const bool known =
          label.values.empty() || std::find(label.values.begin(), label.values.end(), value) != label.values.end();
      result.emplace(label.name, known ? value : kOther);
    }
    return result;
  }

 private:
  const std::string name_;
  const std::vector<Label> labels_;
  bool closed_ = true;
  size_t combinations_ = 1;
};

template <class Raw>
class TypedState final : public metrics_internal::FamilyState {
 public:
  TypedState(std::string_view name, prometheus::Family<Raw>& family, std::vector<Label> labels,
             std::vector<double> buckets)
      : family_(family), space_(name, std::move(labels)), buckets_(std::move(buckets)), known_(space_.combinations()) {
    if constexpr (!std::is_same_v<Raw, prometheus::Histogram>) {
      for (size_t i = 0; i < known_.size(); ++i) known_[i] = Add(space_.LabelsOf(i));
    }
  }

  Raw* At(std::initializer_list<size_t> indexes) { return Known(space_.Number(indexes)); }

  // Declared values are found without making a map of them and asking the family under its lock.
  Raw* With(std::initializer_list<std::string_view> values) {
    const std::optional<size_t> number = space_.Find(values);
    return number.has_value() ? Known(*number) : Add(space_.LabelsOf(values));
  }

 private:
  Raw* Known(size_t number) {
    Raw* metric = known_[number].load(std::memory_order_acquire);
    if (metric == nullptr) {
      // Two threads at once are given the same one by the family.
      metric = Add(space_.LabelsOf(number));
      known_[number].store(metric, std::memory_order_release);
    }
    return metric;
  }

  Raw* Add(const prometheus::Labels& labels) {
    if constexpr (std::is_same_v<Raw, prometheus::Histogram>) {
      return &family_.Add(labels, buckets_);
    } else {
      return &family_.Add(labels);
    }
  }

  prometheus::Family<Raw>& family_;
  const LabelSpace space_;
  const std::vector<double> buckets_;
  std::vector<std::atomic<Raw*>> known_;
};

}  // namespace

void Counter::Increment(double by) const { counter_->Increment(by); }
double Counter::Value() const { return counter_->Value(); }

void Counter::RaiseTo(double total) const {
  const double missing = total - counter_->Value();
  if (missing > 0) counter_->Increment(missing);
}

void Gauge::Set(double value) const { gauge_->Set(value); }
void Gauge::Add(double by) const { gauge_->Increment(by); }
void Gauge::Subtract(double by) const { gauge_->Decrement(by); }
double Gauge::Value() const { return gauge_->Value(); }

void Histogram::Observe(double value) const { histogram_->Observe(value); }
uint64_t Histogram::Count() const { return histogram_->Collect().histogram.sample_count; }

template <class Metric, class Raw>
Metric Family<Metric, Raw>::At(std::initializer_list<size_t> indexes) const {
  return Metric(static_cast<TypedState<Raw>*>(state_)->At(indexes));
}

template <class Metric, class Raw>
Metric Family<Metric, Raw>::With(std::initializer_list<std::string_view> values) const {
  return Metric(static_cast<TypedState<Raw>*>(state_)->With(values));
}

template class Family<Counter, prometheus::Counter>;
template class Family<Gauge, prometheus::Gauge>;
template class Family<Histogram, prometheus::Histogram>;

const std::vector<double>& LatencyBuckets() {
  static const auto& buckets =
      *new std::vector<double>{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};
  return buckets;
}

const std::vector<double>& LongLatencyBuckets() {
  static const auto& buckets = *new std::vector<double>{0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3600};
  return buckets;
}

const std::vector<double>& SizeBuckets() {
  static const auto& buckets =
      *new std::vector<double>{1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864};
  return buckets;
}

// Everything behind a Registry; hooks see it weakly.
class Registry::Impl {
 public:
  template <class Raw>
  TypedState<Raw>* Add(std::string_view name, std::string_view help, std::vector<Label> labels,
                       std::vector<double> buckets = {}) {
    std::lock_guard lock(families_mutex_);
    if (help.empty()) ProgramError("declared without help", name);
    if (!names_.insert(std::string(name)).second) ProgramError("declared twice", name);
    auto& family =
        prometheus::detail::Builder<Raw>().Name(std::string(name)).Help(std::string(help)).Register(registry_);
    auto state = std::make_unique<TypedState<Raw>>(name, family, std::move(labels), std::move(buckets));
    TypedState<Raw>* result = state.get();
    families_.push_back(std::move(state));
    return result;
  }

  uint64_t AddHook(std::function<void()> hook) {
    std::lock_guard lock(hooks_mutex_);
    hooks_.emplace(++last_hook_, std::move(hook));
    return last_hook_;
  }
  void RemoveHook(uint64_t id) {
    std::lock_guard lock(hooks_mutex_);
    hooks_.erase(id);
  }

  std::string Text() {
    {
      // Held while hooks run: letting go of a hook waits for its last run.
      std::lock_guard lock(hooks_mutex_);
      for (const auto& [id, hook] : hooks_) hook();
    }
    std::ostringstream out;
    prometheus::TextSerializer().Serialize(out, registry_.Collect());
    return std::move(out).str();
  }

 private:
  prometheus::Registry registry_;
  std::mutex families_mutex_;
  std::set<std::string> names_;
  std::vector<std::unique_ptr<metrics_internal::FamilyState>> families_;
  std::mutex hooks_mutex_;
  std::map<uint64_t, std::function<void()>> hooks_;
  uint64_t last_hook_ = 0;
};

ScrapeHook::ScrapeHook(std::weak_ptr<void> registry, uint64_t id) : registry_(std::move(registry)), id_(id) {}

ScrapeHook::ScrapeHook(ScrapeHook&& other) noexcept
    : registry_(std::move(other.registry_)), id_(std::exchange(other.id_, 0)) {}

ScrapeHook& ScrapeHook::operator=(ScrapeHook&& other) noexcept {
  if (this != &other) {
    Release();
    registry_ = std::move(other.registry_);
    id_ = std::exchange(other.id_, 0);
  }
  return *this;
}

ScrapeHook::~ScrapeHook() { Release(); }

void ScrapeHook::Release() {
  if (id_ == 0) return;
  if (const auto registry = std::static_pointer_cast<Registry::Impl>(registry_.lock())) registry->RemoveHook(id_);
  id_ = 0;
}

Registry::Registry() : impl_(std::make_shared<Impl>()) {}
Registry::~Registry() = default;

Counter Registry::AddCounter(std::string_view name, std::string_view help) {
  return AddCounterFamily(name, help, {}).At({});
}
Gauge Registry::AddGauge(std::string_view name, std::string_view help) { return AddGaugeFamily(name, help, {}).At({}); }
Histogram Registry::AddHistogram(std::string_view name, std::string_view help, const std::vector<double>& buckets) {
  return AddHistogramFamily(name, help, {}, buckets).At({});
}

CounterFamily Registry::AddCounterFamily(std::string_view name, std::string_view help, std::vector<Label> labels) {
  return CounterFamily(impl_->Add<prometheus::Counter>(name, help, std::move(labels)));
}
GaugeFamily Registry::AddGaugeFamily(std::string_view name, std::string_view help, std::vector<Label> labels) {
  return GaugeFamily(impl_->Add<prometheus::Gauge>(name, help, std::move(labels)));
}
HistogramFamily Registry::AddHistogramFamily(std::string_view name, std::string_view help, std::vector<Label> labels,
                                             const std::vector<double>& buckets) {
  return HistogramFamily(impl_->Add<prometheus::Histogram>(name, help, std::move(labels), buckets));
}

ScrapeHook Registry::OnScrape(std::function<void()> hook) { return ScrapeHook(impl_, impl_->AddHook(std::move(hook))); }

std::string Registry::Text() { return impl_->Text(); }

}  // namespace mailmesh::telemetry
