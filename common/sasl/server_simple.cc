#include "common/sasl/server_simple.h"

#include <utility>

#include "common/base/status.h"
#include "common/sasl/server_session_base.h"

namespace mailmesh::sasl {
namespace {

absl::StatusOr<ServerStep> Ask(std::string prompt) { return ServerStep(ServerChallenge{std::move(prompt)}); }

// RFC 4616.
class PlainSession final : public SessionBase {
 public:
  using SessionBase::SessionBase;

 private:
  absl::StatusOr<ServerStep> Advance(std::optional<std::string_view> input) override {
    if (!input) return Ask("");
    // RFC 4616, 2: [authzid] NUL authcid NUL passwd.
    size_t first = input->find('\0');
    size_t second = first == std::string_view::npos ? first : input->find('\0', first + 1);
    if (second == std::string_view::npos || input->find('\0', second + 1) != std::string_view::npos) {
      return Malformed("PLAIN has three parts");
    }
    authzid_ = std::string(input->substr(0, first));
    name_ = std::string(input->substr(first + 1, second - first - 1));
    if (name_.empty() || second + 1 == input->size()) return Malformed("PLAIN without name or password");
    return CheckPassword(input->substr(second + 1));
  }
};

// draft-murchison-sasl-login, with the prompts that clients in the field look for.
class LoginSession final : public SessionBase {
 public:
  using SessionBase::SessionBase;

 private:
  absl::StatusOr<ServerStep> Advance(std::optional<std::string_view> input) override {
    if (!input) return Ask("Username:");
    if (input->find('\0') != std::string_view::npos) return Malformed("NUL");
    if (named_) return CheckPassword(*input);
    // Some clients send the name with the command.
    named_ = true;
    name_ = std::string(*input);
    if (name_.empty()) return Malformed("LOGIN without a name");
    return Ask("Password:");
  }

  bool named_ = false;
};

// RFC 4422, appendix A: TLS has authenticated the client; it says who it wants to act as, or nothing.
class ExternalSession final : public SessionBase {
 public:
  ExternalSession(std::string certificate_address, ServerBackend* backend) : SessionBase(backend) {
    name_ = std::move(certificate_address);
  }

 private:
  absl::StatusOr<ServerStep> Advance(std::optional<std::string_view> input) override {
    if (!input) return Ask("");
    if (input->find('\0') != std::string_view::npos) return Malformed("NUL");
    ASSIGN_OR_RETURN(credentials_, Find(name_));
    if (!credentials_) return BadCredentials();
    authzid_ = std::string(*input);
    return Succeed();
  }
};

}  // namespace

std::unique_ptr<ServerSession> MakePlainSession(ServerBackend* backend) { return std::make_unique<PlainSession>(backend); }
std::unique_ptr<ServerSession> MakeLoginSession(ServerBackend* backend) { return std::make_unique<LoginSession>(backend); }
std::unique_ptr<ServerSession> MakeExternalSession(std::string certificate_address, ServerBackend* backend) {
  return std::make_unique<ExternalSession>(std::move(certificate_address), backend);
}

}  // namespace mailmesh::sasl
