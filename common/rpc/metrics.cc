#include "common/rpc/metrics.h"

#include <map>
#include <string>
#include <utility>

#include "absl/synchronization/mutex.h"
#include "common/rpc/method_metrics.h"
#include "common/rpc/status_mapping.h"

namespace mailmesh::rpc {
namespace {

using rpc_internal::MethodMetrics;
using rpc_internal::MethodTable;
using telemetry::Label;
using Labels = std::vector<Label>;

// Names of methods, types and targets come from the program: a server counts only methods that it has.
Labels MethodLabels(bool client, bool code) {
  Labels labels = {{"grpc_type", {}}, {"grpc_service", {}}, {"grpc_method", {}}};
  if (client) {
    labels.push_back({"grpc_target", {}});
  }
  if (code) {
    labels.push_back({"grpc_code", {}});
  }
  return labels;
}

struct Families {
  Families(telemetry::Registry& registry, const std::string& side, bool client)
      : started(registry.AddCounterFamily("grpc_" + side + "_started_total", "Calls begun.", MethodLabels(client, false))),
        handled(registry.AddCounterFamily("grpc_" + side + "_handled_total", "Calls ended, by code.",
                                          MethodLabels(client, true))),
        received(registry.AddCounterFamily("grpc_" + side + "_msg_received_total", "Messages received.",
                                           MethodLabels(client, false))),
        sent(registry.AddCounterFamily("grpc_" + side + "_msg_sent_total", "Messages sent.", MethodLabels(client, false))),
        seconds(registry.AddHistogramFamily("grpc_" + side + "_handling_seconds", "Time from a call's begin to its end.",
                                            MethodLabels(client, false), telemetry::LatencyBuckets())) {}

  telemetry::CounterFamily started;
  telemetry::CounterFamily handled;
  telemetry::CounterFamily received;
  telemetry::CounterFamily sent;
  telemetry::HistogramFamily seconds;
};

struct MethodName {
  explicit MethodName(std::string_view path) {
    if (!path.empty() && path.front() == '/') {
      path.remove_prefix(1);
    }
    size_t slash = path.rfind('/');
    service = path.substr(0, slash);
    method = slash == std::string_view::npos ? "" : path.substr(slash + 1);
  }
  std::string service;
  std::string method;
};

std::unique_ptr<MethodMetrics> MakeServerMethod(const Families& families, std::string_view path, std::string_view type) {
  MethodName name(path);
  auto handled = [family = families.handled, name, type = std::string(type)](grpc::StatusCode code) {
    return family.With({type, name.service, name.method, CodeName(code)});
  };
  return std::make_unique<MethodMetrics>(families.started.With({type, name.service, name.method}),
                                         families.received.With({type, name.service, name.method}),
                                         families.sent.With({type, name.service, name.method}),
                                         families.seconds.With({type, name.service, name.method}), std::move(handled));
}

std::unique_ptr<MethodMetrics> MakeClientMethod(const Families& families, std::string_view target, std::string_view path,
                                                std::string_view type) {
  MethodName name(path);
  auto handled = [family = families.handled, name, type = std::string(type),
                  target = std::string(target)](grpc::StatusCode code) {
    return family.With({type, name.service, name.method, target, CodeName(code)});
  };
  return std::make_unique<MethodMetrics>(families.started.With({type, name.service, name.method, target}),
                                         families.received.With({type, name.service, name.method, target}),
                                         families.sent.With({type, name.service, name.method, target}),
                                         families.seconds.With({type, name.service, name.method, target}),
                                         std::move(handled));
}

}  // namespace

struct Metrics::Impl {
  explicit Impl(telemetry::Registry& registry)
      : server(registry, "server", false),
        client(registry, "client", true),
        served([this](std::string_view path, std::string_view type) { return MakeServerMethod(server, path, type); }) {}

  const Families server;
  const Families client;
  MethodTable served;
  absl::Mutex mutex;
  std::map<std::string, std::unique_ptr<MethodTable>, std::less<>> called ABSL_GUARDED_BY(mutex);
};

Metrics::Metrics(telemetry::Registry& registry) : impl_(std::make_unique<Impl>(registry)) {}
Metrics::~Metrics() = default;

MethodTable* Metrics::Server() { return &impl_->served; }

MethodTable* Metrics::Client(std::string_view target) {
  absl::MutexLock lock(&impl_->mutex);
  std::unique_ptr<MethodTable>& table = impl_->called[std::string(target)];
  if (table == nullptr) {
    auto make = [impl = impl_.get(), target = std::string(target)](std::string_view path, std::string_view type) {
      return MakeClientMethod(impl->client, target, path, type);
    };
    table = std::make_unique<MethodTable>(std::move(make));
  }
  return table.get();
}

}  // namespace mailmesh::rpc
