// SCRAM as server (RFC 5802, RFC 7677), over GNU SASL. Private to common/sasl.
#ifndef MAILMESH_COMMON_SASL_SERVER_SCRAM_H_
#define MAILMESH_COMMON_SASL_SERVER_SCRAM_H_

#include <memory>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/sasl/gsasl_handle.h"
#include "common/sasl/server_session.h"

namespace mailmesh::sasl {

// GNU SASL, once for all sessions, which it must outlive.
class ScramLibrary {
 public:
  explicit ScramLibrary(ServerSasl::Options options);

  Gsasl* gsasl() const { return gsasl_.get(); }
  const ServerSasl::Options& options() const { return options_; }

 private:
  GsaslHandle gsasl_;
  const ServerSasl::Options options_;
};

absl::StatusOr<std::unique_ptr<ServerSession>> MakeScramSession(const ScramLibrary& library, Mechanism mechanism,
                                                                std::string_view channel_binding, ServerBackend* backend);

}  // namespace mailmesh::sasl

#endif  // MAILMESH_COMMON_SASL_SERVER_SCRAM_H_
