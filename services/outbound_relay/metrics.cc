#include "services/outbound_relay/metrics.h"

namespace mailmesh::outbound_relay {

Metrics::Metrics(telemetry::Registry& registry)
    : queue_messages(registry.AddGaugeFamily("mailmesh_queue_messages", "Messages in the queue.", {{"state", {"waiting", "inflight"}}})),
      destinations(registry.AddGaugeFamily("mailmesh_queue_destinations", "Destinations that have mail waiting or were tried lately.",
                                           {{"state", {"open", "backing_off"}}})),
      turns(registry.AddGaugeFamily("mailmesh_queue_turns",
                                    "Deliveries under way, by what is known of their destination: it is up, new, waiting from before the "
                                    "start and not tried yet, or failing. The last three hold at most three quarters of max_connections.",
                                    {{"destination", {"up", "new", "waiting", "failing"}}})),
      oldest_age_seconds(registry.AddGauge("mailmesh_queue_oldest_age_seconds", "How long the message that is due longest has been due.")),
      attempts(registry.AddCounterFamily("mailmesh_delivery_attempts_total", "Attempts, counted by recipient; attempt: which one of its message it was.",
                                         {{"result", {"delivered", "tempfail", "permfail", "connfail"}}, {"attempt", {"1", "2", "3", "4+"}}})),
      next_servers(registry.AddCounter("mailmesh_delivery_next_servers_total",
                                       "Times that an attempt went on to a further server of its destination, because the one before had not "
                                       "taken the mail of every recipient.")),
      stage_seconds(registry.AddHistogramFamily("mailmesh_delivery_stage_seconds", "Where the time of a delivery goes.",
                                                {{"stage", {"route", "connect", "transaction"}}}, telemetry::LongLatencyBuckets())),
      message_age(registry.AddHistogramFamily("mailmesh_queue_message_age_seconds", "Age of a recipient's copy at its final outcome. to: a mailbox here; another "
                                              "server; the sender, of a notification of ours.",
                                              {{"outcome", {"delivered", "bounced"}}, {"to", {"mailbox", "server", "sender"}}}, telemetry::LongLatencyBuckets())),
      connections(registry.AddGauge("mailmesh_outbound_connections", "Connections to other servers, idle ones too.")),
      tls(registry.AddCounterFamily("mailmesh_outbound_tls_total", "Connections by what protects them.",
                                    {{"level", {"plain", "opportunistic", "verified"}}})),
      auth(registry.AddCounterFamily("mailmesh_outbound_auth_total",
                                     "Log-ins at next hops whose route has credentials: refused by the server; impossible (no TLS, or no "
                                     "mechanism in common); or broken off by an error.",
                                     {{"result", {"ok", "refused", "impossible", "error"}}})),
      dsn(registry.AddCounterFamily("mailmesh_dsn_generated_total", "Notifications to senders.", {{"kind", {"failure", "delay", "success"}}})) {
  // The promise is computed from these: the first mail of a quiet mesh must show as a rise.
  for (const char* outcome : {"delivered", "bounced"}) {
    for (const char* to : {"mailbox", "server"}) message_age.With({outcome, to});
  }
}

}  // namespace mailmesh::outbound_relay
