#include "common/sasl/mechanisms.h"

#include "absl/strings/match.h"
#include "common/base/status.h"

namespace mailmesh::sasl {

std::string_view MechanismName(Mechanism mechanism) {
  switch (mechanism) {
    case Mechanism::kExternal: return "EXTERNAL";
    case Mechanism::kScramSha256Plus: return "SCRAM-SHA-256-PLUS";
    case Mechanism::kScramSha1Plus: return "SCRAM-SHA-1-PLUS";
    case Mechanism::kScramSha256: return "SCRAM-SHA-256";
    case Mechanism::kScramSha1: return "SCRAM-SHA-1";
    case Mechanism::kPlain: return "PLAIN";
    case Mechanism::kLogin: return "LOGIN";
  }
  return "";
}

std::optional<Mechanism> ParseMechanism(std::string_view name) {
  for (Mechanism mechanism : kMechanisms) {
    if (absl::EqualsIgnoreCase(base::Av(name), base::Av(MechanismName(mechanism)))) return mechanism;
  }
  return std::nullopt;
}

bool IsOffered(Mechanism mechanism, const MechanismFacts& facts) {
  if (mechanism == Mechanism::kExternal) return facts.certificate;
  if (mechanism == Mechanism::kLogin) return !facts.own_login;
  return !IsPlus(mechanism) || facts.channel_binding;
}

}  // namespace mailmesh::sasl
