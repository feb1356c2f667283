#include "common/sasl/server_session.h"

#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "common/base/bytes.h"
#include "common/base/status.h"
#include "common/sasl/gsasl_handle.h"
#include "common/sasl/prepare.h"

namespace mailmesh::sasl {
namespace {

// One text for all of them, so that a log cannot be told apart by a careless reader either.
absl::Status BadCredentials() { return absl::UnauthenticatedError("wrong name or password"); }
absl::Status Malformed(std::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("malformed SASL: ", std::string(what)));
}

std::string Property(Gsasl_session* session, Gsasl_property property) {
  const char* value = gsasl_property_fast(session, property);
  return value == nullptr ? std::string() : std::string(value);
}

absl::Status StatusOf(int rc) {
  switch (rc) {
    case GSASL_AUTHENTICATION_ERROR:
    case GSASL_INTEGRITY_ERROR:
    // A name or password that cannot be prepared is one that nobody has.
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

}  // namespace

class ServerSasl::Library {
 public:
  explicit Library(Options options) : options(std::move(options)) {
    Gsasl* handle = nullptr;
    // It fails only without memory, at the start of the process.
    if (gsasl_init(&handle) != GSASL_OK) std::abort();
    gsasl.reset(handle);
    gsasl_callback_set(handle, &Library::Callback);
  }

  static int Callback(Gsasl*, Gsasl_session* session, Gsasl_property property);

  GsaslHandle gsasl;
  Options options;
};

class ServerSasl::Session final : public ServerSession {
 public:
  Session(const Library& library, Mechanism mechanism, ServerBackend* backend)
      : library_(library), mechanism_(mechanism), backend_(backend) {}

  absl::Status Start(std::string_view channel_binding) {
    Gsasl_session* handle = nullptr;
    int rc = gsasl_server_start(library_.gsasl.get(), std::string(MechanismName(mechanism_)).c_str(), &handle);
    if (rc != GSASL_OK) return absl::InternalError(absl::StrCat("GNU SASL: ", gsasl_strerror(rc)));
    handle_.reset(handle);
    gsasl_session_hook_set(handle, this);
    if (IsScram(mechanism_) && !channel_binding.empty()) {
      gsasl_property_set(handle, GSASL_CB_TLS_EXPORTER, base::Base64Encode(channel_binding).c_str());
    }
    return absl::OkStatus();
  }

  absl::StatusOr<ServerStep> Step(std::optional<std::string_view> input) override {
    if (done_) return Malformed("the exchange is over");
    absl::StatusOr<ServerStep> step = Advance(input);
    done_ = !step.ok() || std::holds_alternative<ServerSuccess>(*step);
    return step;
  }

  std::string name() const override {
    return mechanism_ == Mechanism::kPlain ? plain_name_ : Property(handle_.get(), GSASL_AUTHID);
  }

  int OnCallback(Gsasl_property property);

 private:
  absl::StatusOr<ServerStep> Advance(std::optional<std::string_view> input);
  absl::Status CheckInput(std::string_view input);
  absl::StatusOr<ServerStep> Finish(std::string output);
  bool LoadScramKeys();
  int ValidateSimple();
  absl::StatusOr<ServerStep> AdvancePlain(std::string_view message);
  absl::StatusOr<bool> CheckPassword(std::string_view given, std::string_view password);

  const Library& library_;
  const Mechanism mechanism_;
  ServerBackend* const backend_;
  GsaslSessionHandle handle_;
  bool started_ = false;
  bool done_ = false;
  bool first_seen_ = false;
  std::string plain_name_;
  std::string plain_authzid_;
  // LOGIN: prompts sent so far.
  int prompts_ = 0;
  // A fault of the backend during a callback: it decides the step, whatever the library makes of it.
  absl::Status fault_;
  std::optional<Credentials> credentials_;
  std::optional<ScramKeys> scram_keys_;
};

int ServerSasl::Library::Callback(Gsasl*, Gsasl_session* session, Gsasl_property property) {
  auto* self = static_cast<Session*>(gsasl_session_hook_get(session));
  return self == nullptr ? GSASL_NO_CALLBACK : self->OnCallback(property);
}

absl::Status ServerSasl::Session::CheckInput(std::string_view input) {
  if (input.size() > kMaxServerInput) return Malformed("the response is too long");
  // PLAIN separates its parts by NUL; everywhere else the library would stop reading at one.
  if (mechanism_ != Mechanism::kPlain && input.find('\0') != std::string_view::npos) return Malformed("NUL");
  // RFC 5802, 6: "p" goes with -PLUS, and only with it. The library notices one of the two at the end.
  if (IsScram(mechanism_) && !first_seen_ && IsPlus(mechanism_) != input.starts_with("p=")) {
    return Malformed("channel binding");
  }
  first_seen_ = true;
  return absl::OkStatus();
}

absl::StatusOr<ServerStep> ServerSasl::Session::Advance(std::optional<std::string_view> input) {
  std::string output;
  if (!started_) {
    started_ = true;
    // RFC 4422, 5: an empty initial response is not an absent one. Ours all say something in theirs.
    if (input && input->empty()) return Malformed("the initial response is empty");
    if (!input || mechanism_ == Mechanism::kLogin) {
      // LOGIN drops an initial response: it must have sent its first prompt before it takes a name.
      int rc = GsaslStep(handle_.get(), "", output);
      if (rc != GSASL_NEEDS_MORE) return StatusOf(rc);
      if (!input) return Finish(std::move(output));
      ++prompts_;
    }
  } else if (!input) {
    return Malformed("no response");
  }
  RETURN_IF_ERROR(CheckInput(*input));
  if (mechanism_ == Mechanism::kPlain) return AdvancePlain(*input);
  int rc = GsaslStep(handle_.get(), *input, output);
  if (!fault_.ok()) return fault_;
  if (rc == GSASL_NEEDS_MORE) return Finish(std::move(output));
  if (rc != GSASL_OK) return StatusOf(rc);
  done_ = true;
  return Finish(std::move(output));
}

absl::StatusOr<ServerStep> ServerSasl::Session::Finish(std::string output) {
  if (!done_) {
    // What clients in the field look for; the library's own "User Name" stops some.
    if (mechanism_ == Mechanism::kLogin) output = prompts_++ == 0 ? "Username:" : "Password:";
    return ServerStep(ServerChallenge{std::move(output)});
  }
  if (!credentials_) return BadCredentials();
  // RFC 4422, 2: somebody else's authorization identity is not ours to give. One's own, however written, is fine.
  std::string authzid = mechanism_ == Mechanism::kPlain ? plain_authzid_ : Property(handle_.get(), GSASL_AUTHZID);
  if (!authzid.empty()) {
    if (authzid.size() > kMaxNameOctets) return BadCredentials();
    ASSIGN_OR_RETURN(std::optional<Credentials> other, backend_->Find(authzid));
    if (!other || other->account_id != credentials_->account_id) return BadCredentials();
  }
  ServerSuccess success{credentials_->account_id, name(), std::nullopt};
  if (IsScram(mechanism_)) success.final_data = std::move(output);
  return ServerStep(std::move(success));
}

int ServerSasl::Session::OnCallback(Gsasl_property property) {
  switch (property) {
    case GSASL_VALIDATE_SIMPLE: return ValidateSimple();
    case GSASL_SCRAM_ITER:
      if (!LoadScramKeys()) return GSASL_AUTHENTICATION_ERROR;
      return gsasl_property_set(handle_.get(), property, std::to_string(scram_keys_->iterations).c_str());
    case GSASL_SCRAM_SALT:
      if (!LoadScramKeys()) return GSASL_AUTHENTICATION_ERROR;
      return gsasl_property_set(handle_.get(), property, base::Base64Encode(scram_keys_->salt).c_str());
    case GSASL_SCRAM_STOREDKEY:
      if (!LoadScramKeys()) return GSASL_AUTHENTICATION_ERROR;
      return gsasl_property_set(handle_.get(), property, base::Base64Encode(scram_keys_->stored_key).c_str());
    case GSASL_SCRAM_SERVERKEY: {
      if (!LoadScramKeys()) return GSASL_AUTHENTICATION_ERROR;
      base::Secret text(base::Base64Encode(scram_keys_->server_key.Reveal()));
      return gsasl_property_set(handle_.get(), property, text.Reveal().data());
    }
    // Above all GSASL_PASSWORD: there is none to give.
    default: return GSASL_NO_CALLBACK;
  }
}

bool ServerSasl::Session::LoadScramKeys() {
  if (!fault_.ok()) return false;
  if (scram_keys_) return true;
  bool sha1 = mechanism_ == Mechanism::kScramSha1 || mechanism_ == Mechanism::kScramSha1Plus;
  std::string given = name();
  if (given.size() <= kMaxNameOctets) {
    auto found = backend_->Find(given);
    if (!found.ok()) {
      fault_ = found.status();
      return false;
    }
    credentials_ = *std::move(found);
  }
  if (credentials_) scram_keys_ = sha1 ? credentials_->scram_sha1 : credentials_->scram_sha256;
  if (!scram_keys_ || scram_keys_->empty()) {
    scram_keys_ = DecoyScramKeys(sha1 ? ScramHash::kSha1 : ScramHash::kSha256, library_.options.decoy_secret, given,
                                 library_.options.decoy_iterations);
    credentials_.reset();
  }
  return true;
}

// RFC 4616, 2: [authzid] NUL authcid NUL passwd. By hand, because GNU SASL 2.2.0 prepares the password before anybody can
// ask for it, and refuses all characters that are newer than Unicode 3.2.
absl::StatusOr<ServerStep> ServerSasl::Session::AdvancePlain(std::string_view message) {
  size_t first = message.find('\0');
  size_t second = first == std::string_view::npos ? first : message.find('\0', first + 1);
  if (second == std::string_view::npos || message.find('\0', second + 1) != std::string_view::npos) {
    return Malformed("PLAIN has three parts");
  }
  plain_authzid_ = std::string(message.substr(0, first));
  plain_name_ = std::string(message.substr(first + 1, second - first - 1));
  if (plain_name_.empty() || second + 1 == message.size()) return Malformed("PLAIN without name or password");
  ASSIGN_OR_RETURN(bool right, CheckPassword(plain_name_, message.substr(second + 1)));
  if (!right) return BadCredentials();
  done_ = true;
  return Finish("");
}

int ServerSasl::Session::ValidateSimple() {
  const char* raw = gsasl_property_fast(handle_.get(), GSASL_PASSWORD);
  absl::StatusOr<bool> right = CheckPassword(name(), raw == nullptr ? "" : raw);
  if (!right.ok()) fault_ = right.status();
  return right.ok() && *right ? GSASL_OK : GSASL_AUTHENTICATION_ERROR;
}

// Asks the backend in every case, so that every case takes its time.
absl::StatusOr<bool> ServerSasl::Session::CheckPassword(std::string_view given, std::string_view password) {
  absl::StatusOr<base::Secret> prepared = PreparePassword(password);
  if (given.size() <= kMaxNameOctets && prepared.ok()) {
    ASSIGN_OR_RETURN(credentials_, backend_->Find(given));
  }
  base::Secret none;
  ASSIGN_OR_RETURN(bool right, backend_->CheckPassword(credentials_, prepared.ok() ? *prepared : none));
  if (right && credentials_) return true;
  credentials_.reset();
  return false;
}

ServerSasl::ServerSasl(Options options) : library_(std::make_unique<Library>(std::move(options))) {}
ServerSasl::~ServerSasl() = default;

absl::StatusOr<std::unique_ptr<ServerSession>> ServerSasl::NewSession(Mechanism mechanism, std::string_view channel_binding,
                                                                      ServerBackend* backend) const {
  if (IsPlus(mechanism) && channel_binding.empty()) return Malformed("no channel binding on this connection");
  auto session = std::make_unique<Session>(*library_, mechanism, backend);
  RETURN_IF_ERROR(session->Start(channel_binding));
  return std::unique_ptr<ServerSession>(std::move(session));
}

}  // namespace mailmesh::sasl
