// SASL for gateways: carries one exchange (RFC 4422) between a client and AuthService: by a call where one message is all, else by a
// stream.
//
//   auto exchange = authenticator.NewExchange(facts);
//   Step step = co_await exchange->Start(mechanism, std::move(initial_response), deadline);
//   while (auto* challenge = std::get_if<Challenge>(&step)) {
//     // send challenge->data in base64; read the client's line; "*" -> exchange->Cancel() and say so; else decode it
//     step = co_await exchange->Respond(std::move(response), deadline);
//   }
//   // Success: the session is `account_id`'s. Failure: answer by `reason`.
//
// Final data of the server (RFC 5802's v=) is sent as one more challenge, for none of SMTP, IMAP and POP3 can carry it with
// its success reply; the client's answer to it must be empty. All that is inside here.
//
// An answer that the directory does not give within `patience` is kTemporary, whatever the deadline.
//
// A failure tells the client nothing but its reason. kTemporary is whatever is not plainly the client's fault
// (architecture, invariant 5): a right password is never called wrong because something of ours was away.
//
// Thread-safety: Authenticator: any thread. Exchange: the coroutine that made it. Destroying an exchange cancels its call.
#ifndef MAILMESH_COMMON_AUTH_AUTHENTICATOR_H_
#define MAILMESH_COMMON_AUTH_AUTHENTICATOR_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "common/auth/connection_facts.h"
#include "common/auth/policy.h"
#include "common/base/secret.h"
#include "common/net/awaitable.h"

namespace grpc {
class Channel;
}

namespace mailmesh::auth {

// Longest decoded client response that is carried on; a longer one is kMalformed. Gateways bound their line to base64 of it.
inline constexpr size_t kMaxSaslResponse = 12 * 1024;

enum class FailureReason {
  // Wrong name or password, or an account that may not log in: SMTP 535 5.7.8, IMAP [AUTHENTICATIONFAILED], POP3 [AUTH].
  kBadCredentials,
  // What the client sent is not SASL of this mechanism: SMTP 501 5.5.2, IMAP BAD, POP3 -ERR.
  kMalformed,
  // The mechanism is not offered on this connection: SMTP 504 5.5.4, IMAP NO [CANNOT], POP3 -ERR.
  kMechanismNotOffered,
  // Not without TLS: SMTP 538 5.7.11, IMAP NO [PRIVACYREQUIRED], POP3 -ERR.
  kTlsRequired,
  // Come again: SMTP 454 4.7.0, IMAP [UNAVAILABLE], POP3 [SYS/TEMP].
  kTemporary,
};
// "bad_credentials", ...: for logs and as the `result` label of metrics.
std::string_view FailureReasonName(FailureReason reason);

struct Challenge {
  // Decoded; may be empty.
  std::string data;
};

struct Success {
  std::string account_id;
  // Primary address of the account, for logs and Received fields.
  std::string address;
  // Where its mailboxes are: for ShardMap::Learn and ShardMap::Channel.
  std::string shard;
  std::string shard_endpoint;
};

struct Failure {
  FailureReason reason = FailureReason::kTemporary;
  // For the log, never for the client.
  std::string detail;
};

using Step = std::variant<Challenge, Success, Failure>;

class Exchange {
 public:
  virtual ~Exchange() = default;
  // Once, first. `initial_response`: decoded; absent and empty differ (RFC 4422, 3: "=" on the wire is empty).
  virtual net::Awaitable<Step> Start(std::string mechanism, std::optional<base::Secret> initial_response,
                                     net::TimePoint deadline) = 0;
  // After each Challenge. `response`: decoded, may be empty.
  virtual net::Awaitable<Step> Respond(base::Secret response, net::TimePoint deadline) = 0;
  // The client gave up ("*") or went away.
  virtual void Cancel() = 0;
};

// How the directory is called; in authenticator.cc.
struct DirectoryStub;

class Authenticator {
 public:
  // `directory`: channel to the directory role. `patience`: for one answer of it, which it holds back for some seconds after
  // failures; then a client is told to come again, before it gives up by itself.
  Authenticator(std::shared_ptr<grpc::Channel> directory, Policy policy, net::Duration patience = std::chrono::seconds(12));
  ~Authenticator();

  const Policy& policy() const { return policy_; }

  std::unique_ptr<Exchange> NewExchange(ConnectionFacts facts);

  // IMAP LOGIN, POP3 USER/PASS: PLAIN in one step. Never answers a Challenge.
  net::Awaitable<Step> VerifyPlain(ConnectionFacts facts, std::string user, base::Secret password, net::TimePoint deadline);

 private:
  std::shared_ptr<DirectoryStub> directory_;  // shared with its exchanges
  Policy policy_;
  const net::Duration patience_;
};

}  // namespace mailmesh::auth

#endif  // MAILMESH_COMMON_AUTH_AUTHENTICATOR_H_
