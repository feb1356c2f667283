#include "services/directory/metrics.h"

#include <string>
#include <vector>

#include "common/sasl/mechanisms.h"
#include "common/sasl/password_hash.h"

namespace mailmesh::directory {
namespace {

std::vector<std::string> MechanismNames() {
  std::vector<std::string> names;
  for (sasl::Mechanism mechanism : sasl::kMechanisms) names.emplace_back(sasl::MechanismName(mechanism));
  return names;
}

std::vector<std::string> SchemeNames() {
  std::vector<std::string> names;
  for (int i = 0; i <= static_cast<int>(sasl::Scheme::kUnknown); ++i) {
    names.emplace_back(sasl::SchemeName(static_cast<sasl::Scheme>(i)));
  }
  return names;
}

const std::vector<std::string> kLookupKinds = {"recipient", "sender", "account", "route", "shards"};

}  // namespace

Metrics::Metrics(telemetry::Registry& registry)
    : lookups(registry.AddCounterFamily("mailmesh_directory_lookups_total", "Look-ups answered, by what was asked for.",
                                        {{"kind", kLookupKinds}, {"result", {"found", "not_found", "error"}}})),
      lookup_seconds(registry.AddHistogramFamily("mailmesh_directory_lookup_seconds", "Time to answer a look-up.",
                                                 {{"kind", kLookupKinds}}, telemetry::LatencyBuckets())),
      password_verify_seconds(registry.AddHistogramFamily("mailmesh_password_verify_seconds",
                                                          "Time to verify a password against its hash.",
                                                          {{"scheme", SchemeNames()}}, telemetry::LatencyBuckets())),
      entries(registry.AddGaugeFamily("mailmesh_directory_entries", "Entries of the directory.",
                                      {{"kind", {"domain", "route", "account", "alias", "shard"}}})),
      verified_logins(registry.AddGauge("mailmesh_directory_verified_logins", "Verified log-ins that are remembered.")),
      auth_attempts(registry.AddCounterFamily(
          "mailmesh_auth_attempts_total", "Log-ins, by their outcome.",
          {{"protocol", {"smtp", "submission", "lmtp", "imap", "pop3"}},
           {"mechanism", MechanismNames()},
           {"result", {"success", "bad_credentials", "malformed", "error"}}})),
      auth_delay_seconds(registry.AddHistogram("mailmesh_auth_delay_seconds",
                                               "How long answers to log-ins were held back because of failures before them.",
                                               telemetry::LatencyBuckets())) {}

const char* ProtocolName(type::v1::Protocol protocol) {
  switch (protocol) {
    case type::v1::PROTOCOL_SMTP: return "smtp";
    case type::v1::PROTOCOL_SUBMISSION: return "submission";
    case type::v1::PROTOCOL_LMTP: return "lmtp";
    case type::v1::PROTOCOL_IMAP: return "imap";
    case type::v1::PROTOCOL_POP3: return "pop3";
    default: return "other";
  }
}

}  // namespace mailmesh::directory
