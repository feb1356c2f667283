// One SASL exchange as client (RFC 4422), over GNU SASL: for the relay's next hops and the fetcher's remote maildrops.
//
//   auto mechanism = ChooseMechanism(what the server offers, tls);
//   auto session = ClientSession::Create(*mechanism, {user, password});
//   auto first = session->InitialResponse();              // nothing: the mechanism lets the server begin
//   ... for each challenge: session->Respond(challenge)
//   session->CheckSuccess() when the server says that it worked
//
// SCRAM proves the server too: CheckSuccess is an error when it said yes without having shown that it knows the password.
// BUGS/LIMITS: GNU SASL 2.2.0 takes no characters newer than Unicode 3.2 into SCRAM as client; PLAIN and LOGIN carry them.
// Thread-safety: none.
#ifndef MAILMESH_COMMON_SASL_CLIENT_SESSION_H_
#define MAILMESH_COMMON_SASL_CLIENT_SESSION_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/secret.h"
#include "common/sasl/mechanisms.h"

namespace mailmesh::sasl {

struct ClientCredentials {
  std::string user;
  base::Secret password;
};

// The best of what a server offers: SCRAM-SHA-256, SCRAM-SHA-1, and, with TLS only, PLAIN, LOGIN (RFC 4616, 6: a password in
// clear needs a lower layer that protects it). Nothing when none is left.
std::optional<Mechanism> ChooseMechanism(const std::vector<std::string>& offered, bool tls);

class ClientSession {
 public:
  // `channel_binding`: tls-exporter data, for -PLUS only. InvalidArgument: a NUL in user or password, or -PLUS without it.
  static absl::StatusOr<std::unique_ptr<ClientSession>> Create(Mechanism mechanism, const ClientCredentials& credentials,
                                                               std::string_view channel_binding = {});
  ~ClientSession();
  ClientSession(const ClientSession&) = delete;
  ClientSession& operator=(const ClientSession&) = delete;

  Mechanism mechanism() const { return mechanism_; }

  // What goes with the AUTH command; nothing for LOGIN, where the server speaks first. Once.
  absl::StatusOr<std::optional<base::Secret>> InitialResponse();
  // The answer to a challenge, both decoded. Unauthenticated: the server could not prove itself; InvalidArgument: what it
  // sent is not SASL. A challenge of more than 64 KiB is refused.
  absl::StatusOr<base::Secret> Respond(std::string_view challenge);
  // After the server's success; `final_data` where the protocol carried some with it.
  absl::Status CheckSuccess(std::optional<std::string_view> final_data = std::nullopt);

 private:
  class State;
  ClientSession(Mechanism mechanism, std::unique_ptr<State> state);

  const Mechanism mechanism_;
  std::unique_ptr<State> state_;
};

}  // namespace mailmesh::sasl

#endif  // MAILMESH_COMMON_SASL_CLIENT_SESSION_H_
