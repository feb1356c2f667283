// Accounts in memory, and both roles of an exchange played against each other.
#ifndef MAILMESH_TESTS_UNIT_COMMON_SASL_SASL_TEST_BACKEND_H_
#define MAILMESH_TESTS_UNIT_COMMON_SASL_SASL_TEST_BACKEND_H_

#include <map>
#include <optional>
#include <string>

#include "common/sasl/client_session.h"
#include "common/sasl/prepare.h"
#include "common/sasl/server_session.h"

namespace mailmesh::sasl {

class MemoryBackend final : public ServerBackend {
 public:
  static constexpr CredentialParameters kCheap{{.memory_kib = 1024, .passes = 1, .lanes = 1}, 4096};

  MemoryBackend() : decoy_(*HashPassword(base::Secret("no password"), kCheap.argon2)) {}

  void Add(const std::string& name, const std::string& account, const std::string& password) {
    Credentials credentials = *MakeCredentials(*PreparePassword(password), kCheap);
    credentials.account_id = account;
    accounts_[name] = credentials;
  }
  absl::StatusOr<std::optional<Credentials>> Find(std::string_view name) override {
    if (!fault.ok()) return fault;
    auto it = accounts_.find(std::string(name));
    if (it == accounts_.end()) return std::optional<Credentials>();
    return std::optional<Credentials>(it->second);
  }
  bool KnowsPassword(const Credentials& credentials, const base::Secret& password) override {
    return credentials.account_id == known_account && password.Reveal() == known_password;
  }
  absl::StatusOr<bool> CheckPassword(const std::optional<Credentials>& credentials, const base::Secret& password) override {
    ++checks;
    if (!credentials) {
      auto ignored = VerifyPassword(decoy_, password);
      return ignored.ok() ? absl::StatusOr<bool>(false) : ignored.status();
    }
    return VerifyPassword(credentials->password_hash, password);
  }

  absl::Status fault;
  int checks = 0;
  // Whose password needs no hash.
  std::string known_account;
  std::string known_password;

 private:
  std::map<std::string, Credentials> accounts_;
  std::string decoy_;
};

struct Played {
  absl::Status server;
  absl::Status client;
  std::optional<ServerSuccess> success;
  std::string challenges;  // all of them, joined by '|'
};

// `initial`: whether the protocol lets the client send its first response at once.
inline Played Play(const ServerSasl& sasl, ServerBackend& backend, Mechanism mechanism, const std::string& user,
                   const std::string& password, bool initial = true, const std::string& server_binding = "",
                   const std::string& client_binding = "") {
  Played played;
  auto server = sasl.NewSession(mechanism, {.channel_binding = server_binding}, &backend);
  if (!server.ok()) {
    played.server = server.status();
    return played;
  }
  auto client = ClientSession::Create(mechanism, {user, base::Secret(password)}, client_binding);
  if (!client.ok()) {
    played.client = client.status();
    return played;
  }
  std::optional<base::Secret> response;
  if (initial) {
    auto first = (*client)->InitialResponse();
    if (!first.ok()) {
      played.client = first.status();
      return played;
    }
    response = *std::move(first);
  }
  for (int round = 0; round < 10; ++round) {
    auto step = (*server)->Step(response ? std::optional<std::string_view>(response->Reveal()) : std::nullopt);
    if (step.ok() && std::holds_alternative<ServerHash>(*step)) step = (*server)->HashPassword();
    if (!step.ok()) {
      played.server = step.status();
      return played;
    }
    if (auto* success = std::get_if<ServerSuccess>(&*step)) {
      played.success = *success;
      std::optional<std::string_view> final_data;
      if (success->final_data) final_data = *success->final_data;
      played.client = (*client)->CheckSuccess(final_data);
      return played;
    }
    const std::string& challenge = std::get<ServerChallenge>(*step).data;
    played.challenges += challenge + "|";
    auto next = (*client)->Respond(challenge);
    if (!next.ok()) {
      played.client = next.status();
      return played;
    }
    response = *std::move(next);
  }
  played.server = absl::InternalError("the exchange does not end");
  return played;
}

}  // namespace mailmesh::sasl

#endif  // MAILMESH_TESTS_UNIT_COMMON_SASL_SASL_TEST_BACKEND_H_
