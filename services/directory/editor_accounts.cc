// Changes of accounts and their credentials.
#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/sasl/prepare.h"
#include "services/directory/records.h"
#include "services/directory/editor.h"
#include "services/directory/errors.h"

namespace mailmesh::directory {
namespace {

using storage::v1::DirectoryAccountRecord;
using storage::v1::DirectoryCredentialRecord;

// The request as it may be remembered.
template <class Request>
Request WithoutPassword(const Request& request) {
  Request copy = request;
  copy.clear_password();
  copy.clear_password_hash();
  return copy;
}

// From the password or the hash of a request; nothing where it has neither.
template <class Request>
absl::StatusOr<std::optional<sasl::Credentials>> CredentialsOf(const Request& request,
                                                               const sasl::CredentialParameters& parameters) {
  if (!request.password().empty() && !request.password_hash().empty()) {
    return absl::InvalidArgumentError("a password or a hash of one, not both");
  }
  if (!request.password_hash().empty()) {
    sasl::Credentials imported;
    ASSIGN_OR_RETURN(imported.password_hash, sasl::ImportHash(request.password_hash()));
    return std::optional<sasl::Credentials>(std::move(imported));
  }
  if (request.password().empty()) return std::optional<sasl::Credentials>();
  ASSIGN_OR_RETURN(base::Secret prepared, sasl::PreparePassword(request.password()));
  ASSIGN_OR_RETURN(sasl::Credentials made, sasl::MakeCredentials(prepared, parameters));
  return std::optional<sasl::Credentials>(std::move(made));
}

}  // namespace

absl::StatusOr<std::string> Editor::PlaceAccount(const std::string& wanted) const {
  std::optional<std::string> emptiest;
  int64_t fewest = 0;
  bool wanted_there = false;
  absl::MutexLock lock(&counts_mutex_);
  RETURN_IF_ERROR(store_.Scan(Table::kShards, "", "", [&](std::string_view key, std::string_view) {
    counts_mutex_.AssertHeld();
    std::string name(key);
    wanted_there = wanted_there || name == wanted;
    auto it = accounts_by_shard_.find(name);
    int64_t accounts = it == accounts_by_shard_.end() ? 0 : it->second;
    // One that is kept for the accounts that it has gets no others.
    if (!named_.empty() && !named_.contains(name)) return true;
    if (!emptiest || accounts < fewest) {
      emptiest = std::move(name);
      fewest = accounts;
    }
    return true;
  }));
  if (!wanted.empty()) {
    if (wanted_there) return wanted;
    return BadName(absl::StrCat("no such shard: ", wanted));
  }
  if (!emptiest) return NotAllowed("there is no shard to put an account on: set one first");
  return *std::move(emptiest);
}

absl::StatusOr<AccountId> Editor::NextAccountId(Change& change) {
  ASSIGN_OR_RETURN(auto meta, store_.Find<storage::v1::DirectoryMeta>(Table::kMeta, kMetaKey));
  if (!meta) return absl::DataLossError("the directory's database has no meta record");
  // Counted up from the time: a restored backup then gives no id again that was given after it was taken, for such an
  // account's mail may still lie in a store.
  uint64_t by_time = static_cast<uint64_t>(std::max<int64_t>(absl::ToUnixSeconds(options_.clock->Now()), 1)) << 20;
  uint64_t id = std::max(meta->last_account_id() + 1, by_time);
  meta->set_last_account_id(id);
  store_.Put(change.batch, Table::kMeta, kMetaKey, *meta);
  return AccountId(id);
}

void Editor::PutCredentials(Change& change, AccountId id, const sasl::Credentials& credentials) const {
  store_.Put(change.batch, Table::kCredentials, AccountKey(id), ToRecord(credentials));
}

absl::StatusOr<std::pair<AccountId, DirectoryAccountRecord>> Editor::NeedAccount(const std::string& text) const {
  absl::StatusOr<Address> address = ParseAddress(text);
  if (!address.ok()) return AccountNotFound();
  ASSIGN_OR_RETURN(std::optional<AccountId> id, store_.FindAddress(address->Key()));
  if (!id) return AccountNotFound();
  ASSIGN_OR_RETURN(auto record, store_.Find<DirectoryAccountRecord>(Table::kAccounts, AccountKey(*id)));
  if (!record) return AccountNotFound();
  return std::make_pair(*id, *std::move(record));
}

absl::Status Editor::CreateAccount(const v1::CreateAccountRequest& request, v1::CreateAccountResponse& response) {
  absl::StatusOr<Address> address = ParseAddress(request.address());
  if (!address.ok() || address->domain.empty()) return BadAddress("not an address");
  if (absl::Status status = CheckKeepable(*address); !status.ok()) return BadAddress(base::Message(status));
  ASSIGN_OR_RETURN(std::optional<sasl::Credentials> credentials, CredentialsOf(request, options_.credentials));
  if (credentials) credentials->version = 1;
  auto plan = [&](Change& change) -> absl::Status {
    RETURN_IF_ERROR(CheckDomainOfOurs(*address));
    ASSIGN_OR_RETURN(std::optional<AccountId> taken, store_.FindAddress(address->Key()));
    ASSIGN_OR_RETURN(auto alias, store_.Find<storage::v1::DirectoryAliasRecord>(Table::kAliases, address->Key()));
    if (taken || alias) return AlreadyExists(address->ToString());
    DirectoryAccountRecord record;
    record.set_address(address->ToString());
    ASSIGN_OR_RETURN(std::string shard, PlaceAccount(request.shard()));
    record.set_shard(shard);
    record.set_disabled(request.disabled());
    record.set_created_seconds(absl::ToUnixSeconds(options_.clock->Now()));
    ASSIGN_OR_RETURN(AccountId id, NextAccountId(change));
    store_.Put(change.batch, Table::kAccounts, AccountKey(id), record);
    store_.PutAddress(change.batch, address->Key(), id);
    if (credentials) PutCredentials(change, id, *credentials);
    *response.mutable_account() = ToAccount(id, record);
    ++change.counts.accounts;
    change.shard = shard;
    return absl::OkStatus();
  };
  return Apply("CreateAccount", request.request_id(), WithoutPassword(request), response, plan);
}

absl::Status Editor::DeleteAccount(const v1::DeleteAccountRequest& request, v1::DeleteAccountResponse& response) {
  return Apply("DeleteAccount", request.request_id(), request, response, [&](Change& change) -> absl::Status {
    ASSIGN_OR_RETURN(auto account, NeedAccount(request.address()));
    ASSIGN_OR_RETURN(Address address, ParseAddress(account.second.address()));
    store_.Delete(change.batch, Table::kAccounts, AccountKey(account.first));
    store_.Delete(change.batch, Table::kCredentials, AccountKey(account.first));
    store_.Delete(change.batch, Table::kAddresses, address.Key());
    response.set_account_id(AccountText(account.first));
    response.set_shard(account.second.shard());
    change.grows = false;
    change.credentials_of = account.first;
    --change.counts.accounts;
    change.shard = account.second.shard();
    return absl::OkStatus();
  });
}

absl::Status Editor::SetPassword(const v1::SetPasswordRequest& request, v1::SetPasswordResponse& response) {
  ASSIGN_OR_RETURN(std::optional<sasl::Credentials> credentials, CredentialsOf(request, options_.credentials));
  if (!credentials) return absl::InvalidArgumentError("the password is empty");
  auto plan = [&](Change& change) -> absl::Status {
    ASSIGN_OR_RETURN(auto account, NeedAccount(request.address()));
    ASSIGN_OR_RETURN(auto old, store_.Find<DirectoryCredentialRecord>(Table::kCredentials, AccountKey(account.first)));
    credentials->version = (old ? old->version() : 0) + 1;
    PutCredentials(change, account.first, *credentials);
    change.credentials_of = account.first;
    return absl::OkStatus();
  };
  return Apply("SetPassword", request.request_id(), WithoutPassword(request), response, plan);
}

absl::Status Editor::SetAccountDisabled(const v1::SetAccountDisabledRequest& request,
                                        v1::SetAccountDisabledResponse& response) {
  return Apply("SetAccountDisabled", request.request_id(), request, response, [&](Change& change) -> absl::Status {
    ASSIGN_OR_RETURN(auto account, NeedAccount(request.address()));
    account.second.set_disabled(request.disabled());
    store_.Put(change.batch, Table::kAccounts, AccountKey(account.first), account.second);
    change.grows = false;
    change.credentials_of = account.first;
    return absl::OkStatus();
  });
}

absl::Status Editor::UpgradeCredentials(AccountId id, uint64_t version, const base::Secret& password) {
  ASSIGN_OR_RETURN(sasl::Credentials credentials, sasl::MakeCredentials(password, options_.credentials));
  absl::MutexLock lock(&mutex_);
  ASSIGN_OR_RETURN(auto there, store_.Find<DirectoryCredentialRecord>(Table::kCredentials, AccountKey(id)));
  if (!there || there->version() != version) return absl::OkStatus();
  // The version stays: it is the same password.
  credentials.version = version;
  Change change;
  PutCredentials(change, id, credentials);
  return store_.Write(std::move(change.batch), /*grows=*/true);
}

}  // namespace mailmesh::directory
