// What every mechanism's session has: the order of steps, the look-up of the name, the password, the authorization identity.
// Private to common/sasl.
#ifndef MAILMESH_COMMON_SASL_SERVER_SESSION_BASE_H_
#define MAILMESH_COMMON_SASL_SERVER_SESSION_BASE_H_

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/base/secret.h"
#include "common/sasl/server_session.h"

namespace mailmesh::sasl {

// One text for all of them, so that a log cannot be told apart by a careless reader either.
absl::Status BadCredentials();
absl::Status Malformed(std::string_view what);

class SessionBase : public ServerSession {
 public:
  explicit SessionBase(ServerBackend* backend) : backend_(backend) {}

  absl::StatusOr<ServerStep> Step(std::optional<std::string_view> input) final;
  absl::StatusOr<ServerStep> HashPassword() final;
  std::string name() const override { return name_; }

 protected:
  // `input` is within kMaxServerInput; absent at most the first time.
  virtual absl::StatusOr<ServerStep> Advance(std::optional<std::string_view> input) = 0;
  // Whose the name is; nobody's when it is too long to be one.
  absl::StatusOr<std::optional<Credentials>> Find(std::string_view name) const;
  // A password was shown for name_: known, or to be hashed, in every case, so that every case takes its time.
  absl::StatusOr<ServerStep> CheckPassword(std::string_view password);
  // The client has proved to be whom credentials_ are of.
  absl::StatusOr<ServerStep> Succeed(std::optional<std::string> final_data = std::nullopt) const;

  ServerBackend* const backend_;
  std::string name_;
  std::string authzid_;
  std::optional<Credentials> credentials_;

 private:
  bool started_ = false;
  bool done_ = false;
  // Prepared, and waiting for HashPassword; empty where it could not be prepared.
  std::optional<base::Secret> to_hash_;
};

}  // namespace mailmesh::sasl

#endif  // MAILMESH_COMMON_SASL_SERVER_SESSION_BASE_H_
