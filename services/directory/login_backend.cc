#include "services/directory/login_backend.h"

#include <chrono>
#include <utility>

#include "common/base/random.h"
#include "common/base/status.h"
#include "services/directory/records.h"

namespace mailmesh::directory {

absl::StatusOr<std::unique_ptr<LoginBackend>> LoginBackend::Create(const Store& store, VerifiedLogins& verified,
                                                                   const Metrics& metrics, Options options) {
  base::Secret nobody(base::RandomString(32));
  ASSIGN_OR_RETURN(std::string decoy, sasl::HashPassword(nobody, options.parameters.argon2));
  return std::unique_ptr<LoginBackend>(new LoginBackend(store, verified, metrics, std::move(options), std::move(decoy)));
}

class LoginBackend::OneLogIn final : public sasl::ServerBackend {
 public:
  OneLogIn(const LoginBackend& backend, telemetry::Trace trace) : backend_(backend), trace_(std::move(trace)) {}

  absl::StatusOr<std::optional<sasl::Credentials>> Find(std::string_view name) override { return backend_.Find(name); }
  bool KnowsPassword(const sasl::Credentials& credentials, const base::Secret& password) override {
    return !credentials.password_hash.empty() && backend_.verified_.Knows(credentials, password);
  }
  absl::StatusOr<bool> CheckPassword(const std::optional<sasl::Credentials>& credentials, const base::Secret& password) override {
    return backend_.CheckPassword(credentials, password, trace_);
  }

 private:
  const LoginBackend& backend_;
  const telemetry::Trace trace_;
};

std::unique_ptr<sasl::ServerBackend> LoginBackend::ForLogIn(telemetry::Trace trace) {
  return std::make_unique<OneLogIn>(*this, std::move(trace));
}

absl::StatusOr<std::optional<sasl::Credentials>> LoginBackend::Find(std::string_view name) const {
  ASSIGN_OR_RETURN(std::optional<Resolver::Found> account, resolver_.FindAccountByAddress(name));
  if (!account || account->record.disabled()) return std::optional<sasl::Credentials>();
  ASSIGN_OR_RETURN(auto record, store_.Find<storage::v1::DirectoryCredentialRecord>(Table::kCredentials, AccountKey(account->id)));
  // Without a password yet: nothing verifies against it, but a certificate may stand for it.
  return std::optional<sasl::Credentials>(FromRecord(account->id, record.value_or(storage::v1::DirectoryCredentialRecord())));
}

absl::StatusOr<bool> LoginBackend::CheckPassword(const std::optional<sasl::Credentials>& credentials,
                                                 const base::Secret& password, const telemetry::Trace& trace) const {
  if (!credentials || credentials->password_hash.empty()) {
    RETURN_IF_ERROR(Verify(decoy_, password));
    return false;
  }
  ASSIGN_OR_RETURN(bool right, Verify(credentials->password_hash, password));
  if (!right) return false;
  verified_.Remember(*credentials, password);
  UpgradeIfOld(*credentials, password, trace);
  return true;
}

absl::StatusOr<bool> LoginBackend::Verify(std::string_view hash, const base::Secret& password) const {
  auto start = std::chrono::steady_clock::now();
  absl::StatusOr<bool> result = sasl::VerifyPassword(hash, password);
  std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  metrics_.password_verify_seconds.With({sasl::SchemeName(sasl::SchemeOf(hash))}).Observe(took.count());
  return result;
}

void LoginBackend::UpgradeIfOld(const sasl::Credentials& credentials, const base::Secret& password,
                                const telemetry::Trace& trace) const {
  bool old = sasl::NeedsRehash(credentials.password_hash, options_.parameters.argon2) || credentials.scram_sha1.empty() ||
             credentials.scram_sha256.empty() || credentials.scram_sha256.iterations < options_.parameters.scram_iterations;
  if (!old || !options_.upgrade) return;
  if (std::optional<AccountId> id = ParseAccountText(credentials.account_id)) {
    options_.upgrade(*id, credentials.version, password, trace);
  }
}

}  // namespace mailmesh::directory
