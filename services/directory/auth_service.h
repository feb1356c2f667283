// mailmesh.directory.v1.AuthService: SASL exchanges, each a stream or, where one message is all, a call. Steps run on the database
// pool, hashing on its own, so that log-ins that need no hash (SCRAM, a password verified not long ago) do not queue behind
// those that do; the call's coroutine on an I/O thread. The verdict on a log-in is held back after repeated failures (failure_limiter.h), also when it is
// yes.
#ifndef MAILMESH_SERVICES_DIRECTORY_AUTH_SERVICE_H_
#define MAILMESH_SERVICES_DIRECTORY_AUTH_SERVICE_H_

#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "common/base/worker_pool.h"
#include "common/net/io_pool.h"
#include "common/rpc/server_call.h"
#include "common/rpc/server_stream.h"
#include "common/sasl/server_session.h"
#include "mailmesh/directory/v1/auth_service.grpc.pb.h"
#include "services/directory/failure_limiter.h"
#include "services/directory/login_backend.h"
#include "services/directory/metrics.h"
#include "services/directory/resolver.h"

namespace mailmesh::directory {

class AuthServiceImpl final : public v1::AuthService::CallbackService {
 public:
  struct Parts {
    net::IoPool& io;
    base::WorkerPool& database_pool;
    base::WorkerPool& hash_pool;
    const Store& store;
    const sasl::ServerSasl& sasl;
    LoginBackend& backend;
    FailureLimiter& limiter;
    const Metrics& metrics;
  };
  explicit AuthServiceImpl(Parts parts) : parts_(parts), resolver_(parts.store) {}

  grpc::ServerBidiReactor<v1::AuthenticateRequest, v1::AuthenticateResponse>* Authenticate(
      grpc::CallbackServerContext* context) override;
  grpc::ServerUnaryReactor* LogIn(grpc::CallbackServerContext* context, const v1::LogInRequest* request,
                                  v1::LogInResponse* response) override;
  grpc::ServerUnaryReactor* ListMechanisms(grpc::CallbackServerContext* context, const v1::ListMechanismsRequest* request,
                                           v1::ListMechanismsResponse* response) override;

 private:
  using Reader = rpc::ServerReader<v1::AuthenticateRequest>;
  using Writer = rpc::ServerWriter<v1::AuthenticateResponse>;

  // A verdict: what to tell, or why not; and whose it is.
  struct Verdict {
    absl::StatusOr<v1::AuthenticateSuccess> result = absl::InternalError("no verdict");
    std::string name;
    FailureLimiter::Attempt attempt;
  };

  asio::awaitable<absl::Status> OnAuthenticate(rpc::CallInfo info, Reader& reader, Writer& writer);
  asio::awaitable<absl::Status> OnLogIn(rpc::CallInfo info, const v1::LogInRequest& request, v1::LogInResponse& response);
  // An exchange from its start to what its caller is told. reader and writer: null where there are no more messages than the
  // start.
  asio::awaitable<absl::StatusOr<v1::AuthenticateSuccess>> Serve(rpc::CallInfo info, v1::AuthenticateStart start, Reader* reader,
                                                                 Writer* writer);
  asio::awaitable<Verdict> Exchange(v1::AuthenticateStart start, telemetry::Trace trace, Reader* reader, Writer* writer);
  // One step, and the hash that it may ask for; a success with the account's place.
  using Outcome = std::variant<sasl::ServerChallenge, sasl::ServerHash, v1::AuthenticateSuccess>;
  asio::awaitable<absl::StatusOr<Outcome>> Step(std::shared_ptr<sasl::ServerSession> session, std::optional<base::Secret> input,
                                                std::string peer, FailureLimiter::Attempt* attempt);
  // Counts the verdict and holds it back.
  asio::awaitable<void> HoldBack(const Verdict* verdict, std::string peer);
  // On a pool.
  absl::StatusOr<Outcome> Located(absl::StatusOr<sasl::ServerStep> step) const;
  absl::StatusOr<v1::AuthenticateSuccess> Locate(const sasl::ServerSuccess& success) const;
  absl::Status Told(const absl::Status& status) const;

  const Parts parts_;
  const Resolver resolver_;
};

}  // namespace mailmesh::directory

#endif  // MAILMESH_SERVICES_DIRECTORY_AUTH_SERVICE_H_
