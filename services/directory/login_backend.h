// The credentials behind SASL: accounts by name, passwords verified, the verified remembered, old hashes replaced.
//
// Blocks (RocksDB; CheckPassword: Argon2): on worker pools only. Thread-safe.
#ifndef MAILMESH_SERVICES_DIRECTORY_LOGIN_BACKEND_H_
#define MAILMESH_SERVICES_DIRECTORY_LOGIN_BACKEND_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/sasl/server_session.h"
#include "common/telemetry/trace.h"
#include "services/directory/editor.h"
#include "services/directory/metrics.h"
#include "services/directory/resolver.h"
#include "services/directory/verified_logins.h"

namespace mailmesh::directory {

class LoginBackend {
 public:
  struct Options {
    sasl::CredentialParameters parameters;
    // Hands the replacement of an old hash to a pool; null: not replaced.
    std::function<void(AccountId id, uint64_t version, base::Secret password, telemetry::Trace trace)> upgrade{};
  };

  // Makes the hash that unknown names are verified against: takes a log-in's time.
  static absl::StatusOr<std::unique_ptr<LoginBackend>> Create(const Store& store, VerifiedLogins& verified,
                                                              const Metrics& metrics, Options options);

  // What one log-in, whose trace this is, asks. By the account's address; disabled accounts are not there. Outlived by this.
  std::unique_ptr<sasl::ServerBackend> ForLogIn(telemetry::Trace trace);

 private:
  class OneLogIn;
  LoginBackend(const Store& store, VerifiedLogins& verified, const Metrics& metrics, Options options, std::string decoy)
      : store_(store), resolver_(store), verified_(verified), metrics_(metrics), options_(std::move(options)), decoy_(std::move(decoy)) {}
  absl::StatusOr<std::optional<sasl::Credentials>> Find(std::string_view name) const;
  absl::StatusOr<bool> CheckPassword(const std::optional<sasl::Credentials>& credentials, const base::Secret& password,
                                     const telemetry::Trace& trace) const;
  absl::StatusOr<bool> Verify(std::string_view hash, const base::Secret& password) const;
  void UpgradeIfOld(const sasl::Credentials& credentials, const base::Secret& password, const telemetry::Trace& trace) const;

  const Store& store_;
  const Resolver resolver_;
  VerifiedLogins& verified_;
  const Metrics& metrics_;
  const Options options_;
  const std::string decoy_;
};

}  // namespace mailmesh::directory

#endif  // MAILMESH_SERVICES_DIRECTORY_LOGIN_BACKEND_H_
