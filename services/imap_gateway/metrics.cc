#include "services/imap_gateway/metrics.h"

#include <string>
#include <vector>

#include "common/imap/verb.h"

namespace mailmesh::imap_gateway {
namespace {

std::vector<std::string> VerbNames() {
  std::vector<std::string> names;
  for (size_t verb = 0; verb < static_cast<size_t>(imap::Verb::kCount); ++verb) {
    names.emplace_back(imap::VerbName(static_cast<imap::Verb>(verb)));
  }
  return names;
}

}  // namespace

Metrics::Metrics(telemetry::Registry& registry)
    : sessions(registry.AddGaugeFamily("mailmesh_imap_sessions", "Sessions being served, by state.",
                                       {{"state", {"unauth", "auth", "selected", "idle"}}})),
      command_seconds(registry.AddHistogramFamily("mailmesh_imap_command_duration_seconds",
                                                  "From a command's last octet to its tagged reply; IDLE until DONE.",
                                                  {{"command", VerbNames()}, {"status", {"OK", "NO", "BAD"}}},
                                                  telemetry::LatencyBuckets())),
      bytes(registry.AddCounterFamily("mailmesh_imap_bytes_total", "Octets of protocol, without TLS.",
                                      {{"direction", {"in", "out"}}})),
      auth_attempts(registry.AddCounterFamily(
          "mailmesh_auth_attempts_total", "Log-in attempts.",
          {{"protocol", {"imap"}},
           {"mechanism", {"LOGIN", "PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"}},
           {"result",
            {"success", "bad_credentials", "malformed", "mechanism_not_offered", "tls_required", "temporary"}}})),
      idle_delay(registry.AddHistogram("mailmesh_imap_idle_notification_delay_seconds",
                                       "From the arrival of a change in this process to its untagged EXISTS in IDLE.",
                                       telemetry::LatencyBuckets())),
      views(registry.AddGauge("mailmesh_imap_views", "Mailboxes whose state is kept here.")) {}

}  // namespace mailmesh::imap_gateway
