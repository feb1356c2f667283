#include "common/auth/policy.h"

#include <optional>

#include "common/sasl/mechanisms.h"

namespace mailmesh::auth {
namespace {

bool Offered(const ConnectionFacts& facts, sasl::Mechanism mechanism) {
  sasl::MechanismFacts what;
  what.channel_binding = facts.tls && !facts.channel_binding.empty();
  what.certificate = facts.tls && !facts.client_certificate_address.empty();
  what.own_login = facts.protocol == type::v1::PROTOCOL_IMAP || facts.protocol == type::v1::PROTOCOL_POP3;
  return sasl::IsOffered(mechanism, what);
}

}  // namespace

Policy::Policy(const config::v1::AuthConfig& config)
    : plaintext_on_loopback_(config.allow_plaintext_on_loopback()),
      max_failures_(config.max_failures() == 0 ? 5 : config.max_failures()) {}

bool Policy::MayLogIn(const ConnectionFacts& facts) const {
  return !facts.nobody && (facts.tls || (facts.local && plaintext_on_loopback_));
}

std::vector<std::string> Policy::Mechanisms(const ConnectionFacts& facts) const {
  std::vector<std::string> names;
  if (!MayLogIn(facts)) return names;
  for (sasl::Mechanism mechanism : sasl::kMechanisms) {
    if (Offered(facts, mechanism)) names.emplace_back(sasl::MechanismName(mechanism));
  }
  return names;
}

bool Policy::Allows(const ConnectionFacts& facts, std::string_view mechanism) const {
  std::optional<sasl::Mechanism> known = sasl::ParseMechanism(mechanism);
  return known && MayLogIn(facts) && Offered(facts, *known);
}

}  // namespace mailmesh::auth
