// Which SASL mechanisms a connection is offered. Decided here and not by an RPC, so that a greeting needs no directory.
//
// The rule (architecture, invariant 8): nobody logs in without TLS, by whatever mechanism, except a client on this machine
// where the configuration allows it. The directory applies the same table again to what arrives.
// Immutable; thread-safe.
#ifndef MAILMESH_COMMON_AUTH_POLICY_H_
#define MAILMESH_COMMON_AUTH_POLICY_H_

#include <string>
#include <string_view>
#include <vector>

#include "common/auth/connection_facts.h"
#include "mailmesh/config/v1/common.pb.h"

namespace mailmesh::auth {

class Policy {
 public:
  explicit Policy(const config::v1::AuthConfig& config);

  // False: say that TLS is needed first (SMTP 538 5.7.11, IMAP LOGINDISABLED and [PRIVACYREQUIRED], no USER in POP3's CAPA).
  bool MayLogIn(const ConnectionFacts& facts) const;
  // Names to advertise, best first ("SCRAM-SHA-256-PLUS", ..., "PLAIN", "LOGIN"); empty where nobody may log in.
  // LOGIN is for SMTP only: IMAP and POP3 have a command of their own for what it does.
  std::vector<std::string> Mechanisms(const ConnectionFacts& facts) const;
  // Whether a client may use this mechanism here. Case does not count (RFC 4422, 3.1 has upper case; clients do not).
  bool Allows(const ConnectionFacts& facts, std::string_view mechanism) const;
  // Failed log-ins after which the gateway closes the session.
  uint32_t max_failures() const { return max_failures_; }

 private:
  bool plaintext_on_loopback_;
  uint32_t max_failures_;
};

}  // namespace mailmesh::auth

#endif  // MAILMESH_COMMON_AUTH_POLICY_H_
