#include "common/sasl/server_session.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/sasl/prepare.h"
#include "common/sasl/server_scram.h"
#include "common/sasl/server_session_base.h"
#include "common/sasl/server_simple.h"

namespace mailmesh::sasl {

absl::Status BadCredentials() { return absl::UnauthenticatedError("wrong name or password"); }
absl::Status Malformed(std::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("malformed SASL: ", std::string(what)));
}

absl::StatusOr<ServerStep> SessionBase::Step(std::optional<std::string_view> input) {
  if (done_ || to_hash_) return Malformed("the exchange is over");
  const bool first = !std::exchange(started_, true);
  absl::StatusOr<ServerStep> step = Malformed("no response");
  if (input && input->size() > kMaxServerInput) {
    step = Malformed("the response is too long");
  } else if (first || input) {
    step = Advance(input);
  }
  done_ = !step.ok() || std::holds_alternative<ServerSuccess>(*step);
  return step;
}

absl::StatusOr<std::optional<Credentials>> SessionBase::Find(std::string_view name) const {
  if (name.size() > kMaxNameOctets) return std::optional<Credentials>();
  return backend_->Find(name);
}

absl::StatusOr<ServerStep> SessionBase::CheckPassword(std::string_view password) {
  absl::StatusOr<base::Secret> prepared = PreparePassword(password);
  if (prepared.ok()) {
    ASSIGN_OR_RETURN(credentials_, Find(name_));
    if (credentials_ && backend_->KnowsPassword(*credentials_, *prepared)) return Succeed();
  }
  to_hash_ = prepared.ok() ? *std::move(prepared) : base::Secret();
  return ServerStep(ServerHash{});
}

absl::StatusOr<ServerStep> SessionBase::HashPassword() {
  if (!to_hash_) return Malformed("there is nothing to hash");
  const base::Secret password = *std::move(to_hash_);
  to_hash_.reset();
  done_ = true;
  ASSIGN_OR_RETURN(bool right, backend_->CheckPassword(credentials_, password));
  if (right && credentials_) return Succeed();
  return BadCredentials();
}

absl::StatusOr<ServerStep> SessionBase::Succeed(std::optional<std::string> final_data) const {
  // RFC 4422, 2: somebody else's authorization identity is not ours to give. One's own, however written, is fine.
  if (!authzid_.empty()) {
    ASSIGN_OR_RETURN(std::optional<Credentials> other, Find(authzid_));
    if (!other || other->account_id != credentials_->account_id) return BadCredentials();
  }
  return ServerStep(ServerSuccess{credentials_->account_id, name(), std::move(final_data)});
}

ServerSasl::ServerSasl(Options options) : scram_(std::make_unique<ScramLibrary>(std::move(options))) {}
ServerSasl::~ServerSasl() = default;

absl::StatusOr<std::unique_ptr<ServerSession>> ServerSasl::NewSession(Mechanism mechanism, const Connection& connection,
                                                                      ServerBackend* backend) const {
  switch (mechanism) {
    case Mechanism::kPlain: return MakePlainSession(backend);
    case Mechanism::kLogin: return MakeLoginSession(backend);
    case Mechanism::kExternal:
      if (connection.certificate_address.empty()) return Malformed("no client certificate on this connection");
      return MakeExternalSession(connection.certificate_address, backend);
    case Mechanism::kScramSha256Plus:
    case Mechanism::kScramSha1Plus:
      if (connection.channel_binding.empty()) return Malformed("no channel binding on this connection");
      return MakeScramSession(*scram_, mechanism, connection.channel_binding, backend);
    case Mechanism::kScramSha256:
    case Mechanism::kScramSha1: return MakeScramSession(*scram_, mechanism, connection.channel_binding, backend);
  }
  return Malformed("unknown mechanism");
}

}  // namespace mailmesh::sasl
