// The SASL mechanisms of this project (RFC 4422). GNU SASL knows more, some of them broken (CRAM-MD5, NTLM): only what is
// named here is ever started.
#ifndef MAILMESH_COMMON_SASL_MECHANISMS_H_
#define MAILMESH_COMMON_SASL_MECHANISMS_H_

#include <array>
#include <optional>
#include <string_view>

namespace mailmesh::sasl {

// Best first, as they are to be offered.
enum class Mechanism {
  kExternal,         // RFC 4422, appendix A: by a verified client certificate
  kScramSha256Plus,  // RFC 7677 with channel binding (RFC 5802, 6; RFC 9266)
  kScramSha1Plus,
  kScramSha256,  // RFC 7677
  kScramSha1,    // RFC 5802
  kPlain,        // RFC 4616
  kLogin,        // no RFC (draft-murchison-sasl-login); old submission clients know nothing else
};

inline constexpr std::array kMechanisms = {
    Mechanism::kExternal,  Mechanism::kScramSha256Plus, Mechanism::kScramSha1Plus, Mechanism::kScramSha256,
    Mechanism::kScramSha1, Mechanism::kPlain,           Mechanism::kLogin};

// The registered name, upper case.
std::string_view MechanismName(Mechanism mechanism);
// In either case, for clients send both; nothing for a name that is not ours.
std::optional<Mechanism> ParseMechanism(std::string_view name);

constexpr bool IsPlus(Mechanism m) { return m == Mechanism::kScramSha256Plus || m == Mechanism::kScramSha1Plus; }
constexpr bool IsScram(Mechanism m) { return IsPlus(m) || m == Mechanism::kScramSha256 || m == Mechanism::kScramSha1; }

// What decides whether a mechanism is offered on a connection.
struct MechanismFacts {
  bool channel_binding = false;
  // There is an address in a verified client certificate.
  bool certificate = false;
  // The protocol has a log-in command of its own, which does what LOGIN does (IMAP, POP3).
  bool own_login = false;
};
bool IsOffered(Mechanism mechanism, const MechanismFacts& facts);

}  // namespace mailmesh::sasl

#endif  // MAILMESH_COMMON_SASL_MECHANISMS_H_
