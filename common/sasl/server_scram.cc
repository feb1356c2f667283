#include "common/sasl/server_scram.h"

#include <cstdlib>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/bytes.h"
#include "common/base/status.h"
#include "common/sasl/server_session_base.h"

namespace mailmesh::sasl {
namespace {

std::string Property(Gsasl_session* session, Gsasl_property property) {
  const char* value = gsasl_property_fast(session, property);
  return value == nullptr ? std::string() : std::string(value);
}

absl::Status StatusOf(int rc) {
  switch (rc) {
    case GSASL_AUTHENTICATION_ERROR:
    case GSASL_INTEGRITY_ERROR:
    // A name that cannot be prepared is one that nobody has.
    case GSASL_SASLPREP_ERROR:
    case GSASL_NO_AUTHID:
    case GSASL_NO_PASSWORD: return BadCredentials();
    case GSASL_MECHANISM_PARSE_ERROR:
    case GSASL_BASE64_ERROR:
    case GSASL_MECHANISM_CALLED_TOO_MANY_TIMES:
    case GSASL_NO_CB_TLS_UNIQUE:
    case GSASL_NO_CB_TLS_EXPORTER: return Malformed(gsasl_strerror(rc));
    default: return absl::InternalError(absl::StrCat("GNU SASL: ", gsasl_strerror(rc)));
  }
}

class ScramSession final : public SessionBase {
 public:
  ScramSession(const ScramLibrary& library, Mechanism mechanism, ServerBackend* backend)
      : SessionBase(backend), library_(library), mechanism_(mechanism) {}

  absl::Status Start(std::string_view channel_binding) {
    Gsasl_session* handle = nullptr;
    int rc = gsasl_server_start(library_.gsasl(), std::string(MechanismName(mechanism_)).c_str(), &handle);
    if (rc != GSASL_OK) return absl::InternalError(absl::StrCat("GNU SASL: ", gsasl_strerror(rc)));
    handle_.reset(handle);
    gsasl_session_hook_set(handle, this);
    if (!channel_binding.empty()) {
      gsasl_property_set(handle, GSASL_CB_TLS_EXPORTER, base::Base64Encode(channel_binding).c_str());
    }
    return absl::OkStatus();
  }

  std::string name() const override { return Property(handle_.get(), GSASL_AUTHID); }

  static int Callback(Gsasl*, Gsasl_session* session, Gsasl_property property) {
    auto* self = static_cast<ScramSession*>(gsasl_session_hook_get(session));
    return self == nullptr ? GSASL_NO_CALLBACK : self->OnCallback(property);
  }

 private:
  absl::StatusOr<ServerStep> Advance(std::optional<std::string_view> input) override;
  absl::Status CheckInput(std::string_view input);
  int OnCallback(Gsasl_property property);
  bool LoadKeys();
  int Give(Gsasl_property property, const std::string& value) {
    return gsasl_property_set(handle_.get(), property, value.c_str());
  }

  const ScramLibrary& library_;
  const Mechanism mechanism_;
  GsaslSessionHandle handle_;
  bool first_seen_ = false;
  // A fault of the backend during a callback: it decides the step, whatever the library makes of it.
  absl::Status fault_;
  std::optional<ScramKeys> keys_;
};

absl::Status ScramSession::CheckInput(std::string_view input) {
  // The library would stop reading at one.
  if (input.find('\0') != std::string_view::npos) return Malformed("NUL");
  // RFC 4422, 5: an empty initial response is not an absent one. SCRAM says something in its own.
  if (input.empty() && !first_seen_) return Malformed("the first message is empty");
  // RFC 5802, 6: "p" goes with -PLUS, and only with it. The library notices one of the two at the end.
  if (!first_seen_ && IsPlus(mechanism_) != input.starts_with("p=")) return Malformed("channel binding");
  first_seen_ = true;
  return absl::OkStatus();
}

absl::StatusOr<ServerStep> ScramSession::Advance(std::optional<std::string_view> input) {
  if (!input) return ServerStep(ServerChallenge{});
  RETURN_IF_ERROR(CheckInput(*input));
  std::string output;
  int rc = GsaslStep(handle_.get(), *input, output);
  if (!fault_.ok()) return fault_;
  if (rc == GSASL_NEEDS_MORE) return ServerStep(ServerChallenge{std::move(output)});
  if (rc != GSASL_OK) return StatusOf(rc);
  if (!credentials_) return BadCredentials();
  authzid_ = Property(handle_.get(), GSASL_AUTHZID);
  return Succeed(std::move(output));
}

int ScramSession::OnCallback(Gsasl_property property) {
  switch (property) {
    case GSASL_SCRAM_ITER:
      return LoadKeys() ? Give(property, std::to_string(keys_->iterations)) : GSASL_AUTHENTICATION_ERROR;
    case GSASL_SCRAM_SALT:
      return LoadKeys() ? Give(property, base::Base64Encode(keys_->salt)) : GSASL_AUTHENTICATION_ERROR;
    case GSASL_SCRAM_STOREDKEY:
      return LoadKeys() ? Give(property, base::Base64Encode(keys_->stored_key)) : GSASL_AUTHENTICATION_ERROR;
    case GSASL_SCRAM_SERVERKEY: {
      if (!LoadKeys()) return GSASL_AUTHENTICATION_ERROR;
      base::Secret text(base::Base64Encode(keys_->server_key.Reveal()));
      return gsasl_property_set(handle_.get(), property, text.Reveal().data());
    }
    // Above all GSASL_PASSWORD: there is none to give.
    default: return GSASL_NO_CALLBACK;
  }
}

bool ScramSession::LoadKeys() {
  if (!fault_.ok()) return false;
  if (keys_) return true;
  const bool sha1 = mechanism_ == Mechanism::kScramSha1 || mechanism_ == Mechanism::kScramSha1Plus;
  const std::string given = name();
  absl::StatusOr<std::optional<Credentials>> found = Find(given);
  if (!found.ok()) {
    fault_ = found.status();
    return false;
  }
  credentials_ = *std::move(found);
  if (credentials_) keys_ = sha1 ? credentials_->scram_sha1 : credentials_->scram_sha256;
  if (!keys_ || keys_->empty()) {
    const ServerSasl::Options& options = library_.options();
    keys_ = DecoyScramKeys(sha1 ? ScramHash::kSha1 : ScramHash::kSha256, options.decoy_secret, given, options.decoy_iterations);
    credentials_.reset();
  }
  return true;
}

}  // namespace

ScramLibrary::ScramLibrary(ServerSasl::Options options) : options_(std::move(options)) {
  Gsasl* handle = nullptr;
  // It fails only without memory, at the start of the process.
  if (gsasl_init(&handle) != GSASL_OK) std::abort();
  gsasl_.reset(handle);
  gsasl_callback_set(handle, &ScramSession::Callback);
}

absl::StatusOr<std::unique_ptr<ServerSession>> MakeScramSession(const ScramLibrary& library, Mechanism mechanism,
                                                                std::string_view channel_binding, ServerBackend* backend) {
  auto session = std::make_unique<ScramSession>(library, mechanism, backend);
  RETURN_IF_ERROR(session->Start(channel_binding));
  return std::unique_ptr<ServerSession>(std::move(session));
}

}  // namespace mailmesh::sasl
