#include "services/smtp_ingress/metrics.h"

namespace mailmesh::smtp_ingress {
namespace {

telemetry::Label Listener() { return {"listener", {"mx", "submission", "submissions", "lmtp"}}; }

}  // namespace

Metrics::Metrics(telemetry::Registry& registry)
    : connections(registry.AddCounterFamily("mailmesh_smtp_connections_total", "Connections that ended, by what TLS they had.",
                                            {Listener(), {"tls", {"none", "starttls", "implicit"}}})),
      sessions(registry.AddGaugeFamily("mailmesh_smtp_sessions", "Sessions being served.", {Listener()})),
      sessions_limit(registry.AddGaugeFamily("mailmesh_smtp_sessions_limit", "Sessions that may be served at once.", {Listener()})),
      command_seconds(registry.AddHistogramFamily(
          "mailmesh_smtp_command_duration_seconds", "From a command to its reply.",
          {Listener(),
           {"command", {"HELO", "EHLO", "LHLO", "MAIL", "RCPT", "DATA", "BDAT", "STARTTLS", "AUTH", "VRFY", "EXPN", "HELP", "ETRN"}},
           {"code_class", {"2xx", "3xx", "4xx", "5xx"}}},
          telemetry::LatencyBuckets())),
      transactions(registry.AddCounterFamily(
          "mailmesh_smtp_transactions_total", "Messages whose content came in.",
          {Listener(), {"result", {"accepted", "rejected", "deferred", "aborted"}}})),
      recipients(registry.AddCounterFamily(
          "mailmesh_smtp_recipients_total",
          "Recipients of messages that were taken: whose copy goes to a mailbox here or to another server, and whether the store has it "
          "already or the relay has taken it over.",
          {{"to", {"mailbox", "server"}}, {"by", {"store", "relay"}}})),
      message_size(registry.AddHistogramFamily("mailmesh_smtp_message_size_bytes", "Size of accepted messages.", {Listener()},
                                               telemetry::SizeBuckets())),
      commit_seconds(registry.AddHistogram("mailmesh_smtp_commit_seconds",
                                           "From a message's last octet to its being durable for every recipient.",
                                           telemetry::LatencyBuckets())),
      completed(registry.AddCounterFamily("mailmesh_smtp_completed_total",
                                          "Fields that submission put into a message, or took out (bcc).",
                                          {{"change", {"date", "message_id", "bcc"}}})),
      auth_attempts(registry.AddCounterFamily(
          "mailmesh_auth_attempts_total", "Log-in attempts.",
          {{"protocol", {"smtp"}},
           {"mechanism", {"PLAIN", "LOGIN", "SCRAM-SHA-1", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"}},
           {"result", {"success", "bad_credentials", "malformed", "mechanism_not_offered", "tls_required", "temporary"}}})) {}

}  // namespace mailmesh::smtp_ingress
