// Changes to the directory. Each is one batch, durable before it returns, and remembered under its request id: a repeated
// request gets the first one's answer and changes nothing.
//
// One change at a time (a lock over read, batch and sync): operators make changes, not the mail flow, and so every check
// sees what the change before it did. Hashing happens outside of the lock. All functions block: on a worker pool only.
// Thread-safe.
// Errors carry a reason (common/rpc): ALREADY_EXISTS, NOT_FOUND with which, FAILED_PRECONDITION/NOT_ALLOWED,
// INVALID_ARGUMENT.
#ifndef MAILMESH_SERVICES_DIRECTORY_EDITOR_H_
#define MAILMESH_SERVICES_DIRECTORY_EDITOR_H_

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/base/clock.h"
#include "common/sasl/credentials.h"
#include "mailmesh/directory/v1/directory_admin_service.pb.h"
#include "services/directory/address.h"
#include "services/directory/resolver.h"
#include "services/directory/store.h"

namespace mailmesh::directory {

class Editor {
 public:
  struct Options {
    sasl::CredentialParameters credentials;
    // Longer than a queue's greatest age (architecture, section 8).
    absl::Duration remember = absl::Hours(24 * 30);
    const base::Clock* clock = &base::Clock::Real();
    // Called after the password of an account has changed or the account is gone or disabled.
    std::function<void(AccountId)> on_credentials_changed{};
  };

  // How many there are, for metrics and for placing accounts; or how many more.
  struct Counts {
    int64_t domains = 0;
    int64_t routes = 0;
    int64_t accounts = 0;
    int64_t aliases = 0;
    int64_t shards = 0;
  };

  Editor(Store& store, Options options);

  // Counts what is there, writes the configured shards, forgets old request ids. Before anything else.
  absl::Status Start(const std::map<std::string, std::string>& shards);

  absl::Status CreateDomain(const v1::CreateDomainRequest& request, v1::CreateDomainResponse& response);
  absl::Status UpdateDomain(const v1::UpdateDomainRequest& request, v1::UpdateDomainResponse& response);
  absl::Status DeleteDomain(const v1::DeleteDomainRequest& request, v1::DeleteDomainResponse& response);
  absl::Status SetRoute(const v1::SetRouteRequest& request, v1::SetRouteResponse& response);
  absl::Status DeleteRoute(const v1::DeleteRouteRequest& request, v1::DeleteRouteResponse& response);
  absl::Status ReplaceRoutePassword(const v1::ReplaceRoutePasswordRequest& request, v1::ReplaceRoutePasswordResponse& response);
  absl::Status CreateAccount(const v1::CreateAccountRequest& request, v1::CreateAccountResponse& response);
  absl::Status DeleteAccount(const v1::DeleteAccountRequest& request, v1::DeleteAccountResponse& response);
  absl::Status SetPassword(const v1::SetPasswordRequest& request, v1::SetPasswordResponse& response);
  absl::Status SetAccountDisabled(const v1::SetAccountDisabledRequest& request, v1::SetAccountDisabledResponse& response);
  absl::Status SetAlias(const v1::SetAliasRequest& request, v1::SetAliasResponse& response);
  absl::Status DeleteAlias(const v1::DeleteAliasRequest& request, v1::DeleteAliasResponse& response);
  absl::Status SetShard(const v1::SetShardRequest& request, v1::SetShardResponse& response);

  // After a log-in that showed the password: hash and keys with today's parameters. Does nothing when the password was
  // changed meanwhile.
  absl::Status UpgradeCredentials(AccountId id, uint64_t version, const base::Secret& password);

  Counts counts() const;

 private:
  // What one change writes, and what is to be done once it is durable.
  struct Change {
    kv::Batch batch;
    // Takes space: refused below the floor. Deletions are not.
    bool grows = true;
    Counts counts;
    // The shard that counts.accounts is about.
    std::string shard{};
    // Whose credentials are not what they were.
    std::optional<AccountId> credentials_of{};
  };
  using Plan = std::function<absl::Status(Change& change)>;

  // Answers a remembered request, or plans, writes and remembers. `request` without secrets.
  absl::Status Apply(std::string_view method, const std::string& request_id, const google::protobuf::MessageLite& request,
                     google::protobuf::MessageLite& response, const Plan& plan);
  void Applied(const Change& change);
  absl::Status ForgetOldRequests() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Shards that `named` does not have and no account is on: nothing is to be put there any more.
  absl::Status ForgetEmptyShards(const std::map<std::string, std::string>& named) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status CountAll() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The shard to put a new account on: the emptiest of those that are named, or the wanted one.
  absl::StatusOr<std::string> PlaceAccount(const std::string& wanted) const;
  absl::StatusOr<AccountId> NextAccountId(Change& change);
  absl::Status CheckDomainOfOurs(const Address& address) const;
  // Sets the alias, or takes it away where there are no targets; the domain is the alias's, which may be new.
  absl::Status StageAlias(Change& change, const Address& alias, const storage::v1::DirectoryDomainRecord& domain,
                          const google::protobuf::RepeatedPtrField<std::string>& targets);
  // The account's id and record; NOT_FOUND.
  absl::StatusOr<std::pair<AccountId, storage::v1::DirectoryAccountRecord>> NeedAccount(const std::string& address) const;
  void PutCredentials(Change& change, AccountId id, const sasl::Credentials& credentials) const;

  Store& store_;
  const Resolver resolver_;
  const Options options_;
  mutable absl::Mutex mutex_;
  mutable absl::Mutex counts_mutex_;
  Counts counts_ ABSL_GUARDED_BY(counts_mutex_);
  std::map<std::string, int64_t> accounts_by_shard_ ABSL_GUARDED_BY(counts_mutex_);
  int64_t damaged_accounts_ ABSL_GUARDED_BY(counts_mutex_) = 0;
  // Shards that an operator wants: of the configuration, or set since. Empty where the configuration names none; then all are.
  std::set<std::string> named_ ABSL_GUARDED_BY(counts_mutex_);
  uint64_t remembered_since_sweep_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace mailmesh::directory

#endif  // MAILMESH_SERVICES_DIRECTORY_EDITOR_H_
