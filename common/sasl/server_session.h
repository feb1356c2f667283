// One SASL exchange as server (RFC 4422); SCRAM by GNU SASL.
//
//   ServerSasl sasl(options);                               // once per process
//   auto session = sasl.NewSession(mechanism, connection, &backend);
//   session->Step(initial response or nothing) -> challenge -> Step(response) ... -> success
//                                                -> password to be hashed -> HashPassword() -> success
//
// A name that does not exist takes the same steps, the same words and the same time as a wrong password: its SCRAM salt is
// an HMAC of the name, its password is verified against nothing by the backend.
//
// Errors of Step: Unauthenticated: wrong in any way that must look alike. InvalidArgument: not SASL of this mechanism.
// Anything else: a fault of ours (also what the backend returned), to be told as temporary.
//
// Step reads credentials and computes a few HMACs; HashPassword takes tens of milliseconds: on a worker pool of their own each,
// so that log-ins that need no hash do not wait behind those that do. Thread-safety: ServerSasl: any thread; a session: one thread at a time.
// Limits: input of kMaxServerInput, names of kMaxNameOctets, passwords of kMaxPasswordOctets.
#ifndef MAILMESH_COMMON_SASL_SERVER_SESSION_H_
#define MAILMESH_COMMON_SASL_SERVER_SESSION_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "absl/status/statusor.h"
#include "common/base/secret.h"
#include "common/sasl/credentials.h"
#include "common/sasl/mechanisms.h"

namespace mailmesh::sasl {

inline constexpr size_t kMaxServerInput = 12 * 1024;
inline constexpr size_t kMaxNameOctets = 512;

// What a session asks of whoever keeps the credentials. Called on the thread that steps the session; may block.
class ServerBackend {
 public:
  virtual ~ServerBackend() = default;
  // Nothing: no such name, or one that may not log in.
  virtual absl::StatusOr<std::optional<Credentials>> Find(std::string_view name) = 0;
  // Whether it is known without hashing that the password is the one. False says nothing.
  virtual bool KnowsPassword(const Credentials& credentials, const base::Secret& password) = 0;
  // Whether the password, prepared, is the one. Without credentials: spends the time that verifying takes, then says no.
  virtual absl::StatusOr<bool> CheckPassword(const std::optional<Credentials>& credentials, const base::Secret& password) = 0;
};

struct ServerChallenge {
  std::string data;
};

struct ServerSuccess {
  std::string account_id;
  // As the client wrote it.
  std::string name;
  // RFC 5802's server-final message, which the client must still see.
  std::optional<std::string> final_data;
};

// The client has shown a password, and only a hash can tell: call HashPassword.
struct ServerHash {};

using ServerStep = std::variant<ServerChallenge, ServerHash, ServerSuccess>;

class ServerSession {
 public:
  virtual ~ServerSession() = default;
  // First with the initial response, if the client sent one (absent and empty differ), then with each response.
  virtual absl::StatusOr<ServerStep> Step(std::optional<std::string_view> input) = 0;
  // After a ServerHash; answers a ServerSuccess.
  virtual absl::StatusOr<ServerStep> HashPassword() = 0;
  // The name that the client gave, as far as it is known yet; of a client certificate, the address in it.
  virtual std::string name() const = 0;
};

class ScramLibrary;  // private: server_scram.h

class ServerSasl {
 public:
  struct Options {
    // Salts of names that do not exist are made from it; the same after a restart, or a restart would tell them apart.
    base::Secret decoy_secret;
    // As new passwords get, for the same reason.
    uint32_t decoy_iterations = 10'000;
  };

  explicit ServerSasl(Options options);
  ~ServerSasl();
  ServerSasl(const ServerSasl&) = delete;
  ServerSasl& operator=(const ServerSasl&) = delete;

  // What TLS knows of the client; empty where it knows nothing.
  struct Connection {
    // tls-exporter data; then -PLUS is offered and RFC 5802, 6 makes a client that could bind but thinks we cannot (flag "y")
    // fail.
    std::string channel_binding{};
    // Address in a verified client certificate.
    std::string certificate_address{};
  };

  // InvalidArgument: a mechanism that needs what the connection does not have. `backend` must outlive the session.
  absl::StatusOr<std::unique_ptr<ServerSession>> NewSession(Mechanism mechanism, const Connection& connection,
                                                            ServerBackend* backend) const;

 private:
  std::unique_ptr<ScramLibrary> scram_;
};

}  // namespace mailmesh::sasl

#endif  // MAILMESH_COMMON_SASL_SERVER_SESSION_H_
