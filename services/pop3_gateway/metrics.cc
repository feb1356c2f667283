#include "services/pop3_gateway/metrics.h"

namespace mailmesh::pop3_gateway {

Metrics::Metrics(telemetry::Registry& registry)
    : sessions(registry.AddGaugeFamily("mailmesh_pop3_sessions", "Sessions being served, by state.",
                                       {{"state", {"unauth", "auth"}}})),
      command_seconds(registry.AddHistogramFamily(
          "mailmesh_pop3_command_duration_seconds", "From a command's last octet to its reply's first.",
          {{"command",
            {"USER", "PASS", "APOP", "STAT", "LIST", "RETR", "DELE", "NOOP", "RSET", "QUIT", "TOP", "UIDL", "CAPA", "STLS",
             "AUTH", "UTF8", "LANG"}},
           {"status", {"ok", "err"}}},
          telemetry::LatencyBuckets())),
      bytes(registry.AddCounterFamily("mailmesh_pop3_bytes_total", "Octets of protocol, without TLS.",
                                      {{"direction", {"in", "out"}}})),
      auth_attempts(registry.AddCounterFamily(
          "mailmesh_auth_attempts_total", "Log-in attempts.",
          {{"protocol", {"pop3"}},
           {"mechanism", {"USER", "PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"}},
           {"result", {"success", "bad_credentials", "malformed", "mechanism_not_offered", "tls_required", "temporary"}}})),
      messages_retrieved(registry.AddCounter("mailmesh_pop3_messages_retrieved_total", "Messages sent to clients by RETR.")),
      messages_deleted(registry.AddCounter("mailmesh_pop3_messages_deleted_total", "Messages removed at QUIT.")),
      surrogates(registry.AddCounter("mailmesh_pop3_surrogates_total",
                                     "Messages whose UTF-8 header was sent in ASCII to a client without UTF8.")) {}

}  // namespace mailmesh::pop3_gateway
