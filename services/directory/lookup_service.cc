#include "services/directory/lookup_service.h"

#include <chrono>

#include "common/base/status.h"
#include "services/directory/records.h"
#include "services/directory/errors.h"
#include "services/directory/list_pages.h"

namespace mailmesh::directory {
namespace {

// Of one call.
constexpr int kMaxAddresses = 1000;

}  // namespace

grpc::ServerUnaryReactor* LookupService::ResolveRecipients(grpc::CallbackServerContext* context,
                                                           const v1::ResolveRecipientsRequest* request,
                                                           v1::ResolveRecipientsResponse* response) {
  return rpc::HandleUnaryOnPool(context, pool_, request, response, this, &LookupService::DoResolve);
}
grpc::ServerUnaryReactor* LookupService::CheckSender(grpc::CallbackServerContext* context,
                                                     const v1::CheckSenderRequest* request, v1::CheckSenderResponse* response) {
  return rpc::HandleUnaryOnPool(context, pool_, request, response, this, &LookupService::DoCheckSender);
}
grpc::ServerUnaryReactor* LookupService::GetAccount(grpc::CallbackServerContext* context, const v1::GetAccountRequest* request,
                                                    v1::GetAccountResponse* response) {
  return rpc::HandleUnaryOnPool(context, pool_, request, response, this, &LookupService::DoGetAccount);
}
grpc::ServerUnaryReactor* LookupService::BatchGetAccounts(grpc::CallbackServerContext* context,
                                                           const v1::BatchGetAccountsRequest* request,
                                                           v1::BatchGetAccountsResponse* response) {
  return rpc::HandleUnaryOnPool(context, pool_, request, response, this, &LookupService::DoBatchGetAccounts);
}
grpc::ServerUnaryReactor* LookupService::GetRoute(grpc::CallbackServerContext* context, const v1::GetRouteRequest* request,
                                                  v1::GetRouteResponse* response) {
  return rpc::HandleUnaryOnPool(context, pool_, request, response, this, &LookupService::DoGetRoute);
}
grpc::ServerUnaryReactor* LookupService::ListShards(grpc::CallbackServerContext* context, const v1::ListShardsRequest* request,
                                                    v1::ListShardsResponse* response) {
  return rpc::HandleUnaryOnPool(context, pool_, request, response, this, &LookupService::DoListShards);
}

absl::Status LookupService::Measured(std::string_view kind, const std::function<absl::Status(bool&)>& lookup) const {
  auto start = std::chrono::steady_clock::now();
  bool found = false;
  absl::Status status = lookup(found);
  std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  metrics_.lookup_seconds.With({kind}).Observe(took.count());
  bool error = !status.ok() && !absl::IsNotFound(status);
  metrics_.lookups.With({kind, error ? "error" : found ? "found" : "not_found"}).Increment();
  return FromStore(status);
}

absl::Status LookupService::DoResolve(const rpc::CallInfo&, const v1::ResolveRecipientsRequest& request,
                                      v1::ResolveRecipientsResponse& response) {
  if (request.addresses_size() > kMaxAddresses) return absl::InvalidArgumentError("at most 1000 addresses");
  for (const std::string& address : request.addresses()) {
    RETURN_IF_ERROR(Measured("recipient", [&](bool& found) -> absl::Status {
      ASSIGN_OR_RETURN(v1::RecipientResolution resolution, resolver_.Resolve(address));
      found = resolution.targets_size() > 0;
      *response.add_resolutions() = std::move(resolution);
      return absl::OkStatus();
    }));
  }
  response.set_cache_seconds(cache_seconds_);
  return absl::OkStatus();
}

absl::Status LookupService::DoCheckSender(const rpc::CallInfo&, const v1::CheckSenderRequest& request,
                                          v1::CheckSenderResponse& response) {
  return Measured("sender", [&](bool& found) -> absl::Status {
    std::optional<AccountId> id = ParseAccountText(request.account_id());
    if (!id) return AccountNotFound();
    if (request.address().empty()) {
      found = true;  // RFC 5321, 4.5.5: the null reverse-path is nobody's
    } else {
      ASSIGN_OR_RETURN(found, resolver_.Owns(*id, request.address()));
    }
    response.set_owned(found);
    return absl::OkStatus();
  });
}

absl::StatusOr<std::optional<v1::Account>> LookupService::FindAccount(const v1::GetAccountRequest& request) const {
  std::optional<v1::Account> result;
  absl::Status status = Measured("account", [&](bool& found) -> absl::Status {
    std::optional<Resolver::Found> account;
    if (request.name_case() == v1::GetAccountRequest::kAccountId) {
      std::optional<AccountId> id = ParseAccountText(request.account_id());
      if (!id) return absl::OkStatus();
      ASSIGN_OR_RETURN(account, resolver_.FindAccountById(*id));
    } else {
      ASSIGN_OR_RETURN(account, resolver_.FindAccountByAddress(request.address()));
    }
    found = account.has_value();
    if (found) result = ToAccount(account->id, account->record);
    return absl::OkStatus();
  });
  if (!status.ok()) return status;
  return result;
}

absl::Status LookupService::DoGetAccount(const rpc::CallInfo&, const v1::GetAccountRequest& request,
                                         v1::GetAccountResponse& response) {
  ASSIGN_OR_RETURN(std::optional<v1::Account> account, FindAccount(request));
  if (!account) return AccountNotFound();
  *response.mutable_account() = *std::move(account);
  return absl::OkStatus();
}

absl::Status LookupService::DoBatchGetAccounts(const rpc::CallInfo&, const v1::BatchGetAccountsRequest& request,
                                               v1::BatchGetAccountsResponse& response) {
  if (request.requests_size() > kMaxAddresses) return absl::InvalidArgumentError("at most 1000 accounts");
  for (const v1::GetAccountRequest& one : request.requests()) {
    ASSIGN_OR_RETURN(std::optional<v1::Account> account, FindAccount(one));
    *response.add_accounts() = std::move(account).value_or(v1::Account());
  }
  return absl::OkStatus();
}

absl::Status LookupService::DoGetRoute(const rpc::CallInfo&, const v1::GetRouteRequest& request, v1::GetRouteResponse& response) {
  return Measured("route", [&](bool& found) -> absl::Status {
    absl::StatusOr<std::string> domain = ParseDomain(request.domain());
    if (!domain.ok()) return RouteNotFound();
    ASSIGN_OR_RETURN(auto record, store_.Find<storage::v1::DirectoryRouteRecord>(Table::kRoutes, *domain));
    found = record.has_value();
    if (!found) return RouteNotFound();
    *response.mutable_route() = ToRoute(*domain, *record);
    return absl::OkStatus();
  });
}

absl::Status LookupService::DoListShards(const rpc::CallInfo&, const v1::ListShardsRequest&, v1::ListShardsResponse& response) {
  response.set_cache_seconds(cache_seconds_);
  return Measured("shards", [&](bool& found) -> absl::Status {
    found = true;
    return store_.Scan(Table::kShards, "", "", [&](std::string_view key, std::string_view value) {
      storage::v1::DirectoryShardRecord record;
      if (!record.ParseFromArray(value.data(), static_cast<int>(value.size()))) return true;
      v1::Shard* shard = response.add_shards();
      shard->set_name(std::string(key));
      shard->set_endpoint(record.endpoint());
      return true;
    });
  });
}

}  // namespace mailmesh::directory
