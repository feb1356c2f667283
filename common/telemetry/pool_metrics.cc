#include "common/telemetry/pool_metrics.h"

namespace mailmesh::telemetry {
namespace {

class PoolObserver final : public base::WorkerPool::Observer {
 public:
  PoolObserver(Gauge depth, Histogram wait, Counter refused) : depth_(depth), wait_(wait), refused_(refused) {}
  void OnQueueDepth(size_t depth) override { depth_.Set(static_cast<double>(depth)); }
  void OnTaskWait(std::chrono::nanoseconds waited) override {
    wait_.Observe(std::chrono::duration<double>(waited).count());
  }
  void OnRefused() override { refused_.Increment(); }

 private:
  Gauge depth_;
  Histogram wait_;
  Counter refused_;
};

}  // namespace

PoolMetrics::PoolMetrics(Registry& registry)
    : depth_(registry.AddGaugeFamily("mailmesh_threadpool_queue_depth", "Tasks that wait for a thread of the pool.",
                                     {{"pool", {}}})),
      wait_(registry.AddHistogramFamily("mailmesh_threadpool_task_wait_seconds",
                                        "How long tasks waited for a thread of the pool.", {{"pool", {}}},
                                        LatencyBuckets())),
      refused_(registry.AddCounterFamily("mailmesh_threadpool_refused_total",
                                         "Tasks that were refused because the pool's queue was full.",
                                         {{"pool", {}}})) {}

std::unique_ptr<base::WorkerPool::Observer> PoolMetrics::ForPool(std::string_view name) const {
  return std::make_unique<PoolObserver>(depth_.With({name}), wait_.With({name}), refused_.With({name}));
}

}  // namespace mailmesh::telemetry
