#include "common/sasl/client_session.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/base/bytes.h"
#include "common/base/status.h"
#include "common/sasl/gsasl_handle.h"

namespace mailmesh::sasl {
namespace {

constexpr size_t kMaxChallenge = 64 * 1024;

absl::Status StatusOf(int rc) {
  switch (rc) {
    case GSASL_AUTHENTICATION_ERROR:
    case GSASL_INTEGRITY_ERROR: return absl::UnauthenticatedError("the server did not prove that it knows the password");
    case GSASL_MECHANISM_PARSE_ERROR:
    case GSASL_BASE64_ERROR:
    case GSASL_MECHANISM_CALLED_TOO_MANY_TIMES:
      return absl::InvalidArgumentError(absl::StrCat("the server's SASL is malformed: ", gsasl_strerror(rc)));
    case GSASL_SASLPREP_ERROR: return absl::InvalidArgumentError("user or password cannot be prepared (RFC 4013)");
    default: return absl::InternalError(absl::StrCat("GNU SASL: ", gsasl_strerror(rc)));
  }
}

bool HasNul(std::string_view text) { return text.find('\0') != std::string_view::npos; }

// RFC 5802, 5.1: "i=" in server-first. A server could ask for years of hashing.
constexpr uint32_t kMaxIterations = 10'000'000;

bool IterationsWithinBounds(std::string_view server_first) {
  size_t at = server_first.find(",i=");
  if (at == std::string_view::npos) return true;  // the library will say what is wrong with it
  std::string_view digits = server_first.substr(at + 3);
  digits = digits.substr(0, digits.find(','));
  if (digits.empty() || digits.size() > 8) return false;
  uint32_t value = 0;
  for (char c : digits) {
    if (c < '0' || c > '9') return false;
    value = value * 10 + static_cast<uint32_t>(c - '0');
  }
  return value <= kMaxIterations;
}

}  // namespace

std::optional<Mechanism> ChooseMechanism(const std::vector<std::string>& offered, bool tls) {
  for (Mechanism mechanism : {Mechanism::kScramSha256, Mechanism::kScramSha1, Mechanism::kPlain, Mechanism::kLogin}) {
    if (!IsScram(mechanism) && !tls) continue;
    bool there = std::any_of(offered.begin(), offered.end(),
                             [&](const std::string& name) { return ParseMechanism(name) == mechanism; });
    if (there) return mechanism;
  }
  return std::nullopt;
}

class ClientSession::State {
 public:
  GsaslHandle library;
  GsaslSessionHandle session;
  // The library has nothing more to say: for SCRAM this means that the server has proved itself.
  bool complete = false;
  bool started = false;
};

ClientSession::ClientSession(Mechanism mechanism, std::unique_ptr<State> state)
    : mechanism_(mechanism), state_(std::move(state)) {}
ClientSession::~ClientSession() = default;

absl::StatusOr<std::unique_ptr<ClientSession>> ClientSession::Create(Mechanism mechanism, const ClientCredentials& credentials,
                                                                     std::string_view channel_binding) {
  if (HasNul(credentials.user) || HasNul(credentials.password.Reveal())) {
    return absl::InvalidArgumentError("a NUL in user or password");
  }
  if (credentials.user.empty()) return absl::InvalidArgumentError("no user");
  if (IsPlus(mechanism) && channel_binding.empty()) return absl::InvalidArgumentError("no channel binding for -PLUS");
  auto state = std::make_unique<State>();
  Gsasl* library = nullptr;
  if (gsasl_init(&library) != GSASL_OK) return absl::ResourceExhaustedError("GNU SASL: no memory");
  state->library.reset(library);
  Gsasl_session* session = nullptr;
  int rc = gsasl_client_start(library, std::string(MechanismName(mechanism)).c_str(), &session);
  if (rc != GSASL_OK) return StatusOf(rc);
  state->session.reset(session);
  base::Secret terminated{std::string(credentials.password.Reveal())};
  gsasl_property_set(session, GSASL_AUTHID, credentials.user.c_str());
  gsasl_property_set(session, GSASL_PASSWORD, terminated.Reveal().data());
  // Never without -PLUS: the library would then say "y", and fail where the server offers what we did not choose.
  if (IsPlus(mechanism)) {
    gsasl_property_set(session, GSASL_CB_TLS_EXPORTER, base::Base64Encode(channel_binding).c_str());
  }
  return std::unique_ptr<ClientSession>(new ClientSession(mechanism, std::move(state)));
}

absl::StatusOr<std::optional<base::Secret>> ClientSession::InitialResponse() {
  if (mechanism_ == Mechanism::kLogin) return std::optional<base::Secret>();
  ASSIGN_OR_RETURN(base::Secret response, Respond(""));
  return std::optional<base::Secret>(std::move(response));
}

absl::StatusOr<base::Secret> ClientSession::Respond(std::string_view challenge) {
  if (challenge.size() > kMaxChallenge) return absl::InvalidArgumentError("the server's challenge is too long");
  if (HasNul(challenge)) {
    // draft-murchison-sasl-login ends its prompts with one; elsewhere it has no place.
    if (mechanism_ != Mechanism::kLogin) return absl::InvalidArgumentError("a NUL in the server's challenge");
    challenge = challenge.substr(0, challenge.find('\0'));
  }
  if (IsScram(mechanism_)) {
    // A server without SASL-IR asks with an empty challenge for what the first step says.
    if (!state_->started && !challenge.empty()) return absl::InvalidArgumentError("the server's SASL is malformed: not empty");
    if (!IterationsWithinBounds(challenge)) {
      return absl::InvalidArgumentError("the server asks for too many SCRAM iterations");
    }
  }
  state_->started = true;
  if (state_->complete) return absl::InvalidArgumentError("the server's SASL goes on after its end");
  std::string output;
  int rc = GsaslStep(state_->session.get(), challenge, output);
  base::Secret response(std::move(output));
  if (rc != GSASL_OK && rc != GSASL_NEEDS_MORE) return StatusOf(rc);
  state_->complete = rc == GSASL_OK;
  return response;
}

absl::Status ClientSession::CheckSuccess(std::optional<std::string_view> final_data) {
  if (final_data && !state_->complete) {
    auto response = Respond(*final_data);
    if (!response.ok()) return response.status();
  }
  // RFC 5802, 3: the client MUST verify the server's signature. PLAIN and LOGIN have nothing to verify.
  if (IsScram(mechanism_) && !state_->complete) return StatusOf(GSASL_AUTHENTICATION_ERROR);
  return absl::OkStatus();
}

}  // namespace mailmesh::sasl
