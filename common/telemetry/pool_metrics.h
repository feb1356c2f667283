// mailmesh_threadpool_*: how busy the worker pools of a process are. One object for all pools; must outlive them.
#ifndef MAILMESH_COMMON_TELEMETRY_POOL_METRICS_H_
#define MAILMESH_COMMON_TELEMETRY_POOL_METRICS_H_

#include <memory>
#include <string_view>

#include "common/base/worker_pool.h"
#include "common/telemetry/metrics.h"

namespace mailmesh::telemetry {

class PoolMetrics {
 public:
  explicit PoolMetrics(Registry& registry);
  // An observer that counts under the label pool=`name`; name comes from the program.
  std::unique_ptr<base::WorkerPool::Observer> ForPool(std::string_view name) const;

 private:
  GaugeFamily depth_;
  HistogramFamily wait_;
  CounterFamily refused_;
};

}  // namespace mailmesh::telemetry

#endif  // MAILMESH_COMMON_TELEMETRY_POOL_METRICS_H_
