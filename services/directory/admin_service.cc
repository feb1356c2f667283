#include "services/directory/admin_service.h"

#include <utility>

#include "absl/strings/strip.h"
#include "common/base/status.h"
#include "common/rpc/operator.h"
#include "common/telemetry/log.h"
#include "services/directory/records.h"
#include "services/directory/errors.h"
#include "services/directory/list_pages.h"

namespace mailmesh::directory {

template <auto edit, class Request, class Response>
absl::Status AdminService::DoChange(const rpc::CallInfo& info, const Request& request, Response& response) {
  RETURN_IF_ERROR(FromStore((editor_.*edit)(request, response)));
  telemetry::Info("directory changed", {info.trace,
                                        {"operator", rpc::OperatorOf(info)},
                                        {"command", absl::StripSuffix(Request::descriptor()->name(), "Request")},
                                        {"request_id", request.request_id()}});
  return absl::OkStatus();
}

template <auto edit, class Request, class Response>
grpc::ServerUnaryReactor* AdminService::Change(grpc::CallbackServerContext* context, base::WorkerPool& pool,
                                               const Request* request, Response* response) {
  return rpc::HandleUnaryOnPool(context, pool, request, response, this, &AdminService::DoChange<edit, Request, Response>);
}

#define MAILMESH_DIRECTORY_CHANGE(Name, pool)                                                                              \
  grpc::ServerUnaryReactor* AdminService::Name(grpc::CallbackServerContext* context, const v1::Name##Request* request,      \
                                               v1::Name##Response* response) {                                             \
    return Change<&Editor::Name>(context, pool, request, response);                                                        \
  }
MAILMESH_DIRECTORY_CHANGE(CreateDomain, edits_)
MAILMESH_DIRECTORY_CHANGE(UpdateDomain, edits_)
MAILMESH_DIRECTORY_CHANGE(DeleteDomain, edits_)
MAILMESH_DIRECTORY_CHANGE(SetRoute, edits_)
MAILMESH_DIRECTORY_CHANGE(DeleteRoute, edits_)
MAILMESH_DIRECTORY_CHANGE(ReplaceRoutePassword, edits_)
MAILMESH_DIRECTORY_CHANGE(CreateAccount, hash_pool_)
MAILMESH_DIRECTORY_CHANGE(DeleteAccount, edits_)
MAILMESH_DIRECTORY_CHANGE(SetPassword, hash_pool_)
MAILMESH_DIRECTORY_CHANGE(SetAccountDisabled, edits_)
MAILMESH_DIRECTORY_CHANGE(SetAlias, edits_)
MAILMESH_DIRECTORY_CHANGE(DeleteAlias, edits_)
MAILMESH_DIRECTORY_CHANGE(SetShard, edits_)
#undef MAILMESH_DIRECTORY_CHANGE

#define MAILMESH_DIRECTORY_LIST(Name)                                                                                      \
  grpc::ServerUnaryReactor* AdminService::Name(grpc::CallbackServerContext* context, const v1::Name##Request* request,      \
                                               v1::Name##Response* response) {                                             \
    return rpc::HandleUnaryOnPool(context, edits_, request, response, this, &AdminService::Do##Name);                      \
  }
MAILMESH_DIRECTORY_LIST(ListDomains)
MAILMESH_DIRECTORY_LIST(ListRoutes)
MAILMESH_DIRECTORY_LIST(ListAccounts)
MAILMESH_DIRECTORY_LIST(ListAliases)
#undef MAILMESH_DIRECTORY_LIST

namespace {

template <class Record>
absl::StatusOr<Record> Parse(std::string_view value) {
  Record record;
  if (!record.ParseFromArray(value.data(), static_cast<int>(value.size()))) {
    return absl::DataLossError("a record of the directory cannot be read");
  }
  return record;
}

}  // namespace

absl::Status AdminService::DoListDomains(const rpc::CallInfo&, const v1::ListDomainsRequest& request,
                                         v1::ListDomainsResponse& response) {
  PageRequest page{request.page_size(), request.page_token()};
  auto each = [&](std::string_view key, std::string_view value) -> absl::Status {
    ASSIGN_OR_RETURN(auto record, Parse<storage::v1::DirectoryDomainRecord>(value));
    v1::Domain* domain = response.add_domains();
    *domain = ToDomain(key, record);
    std::string catch_all = Address::CatchAllOf(key).Key();
    ASSIGN_OR_RETURN(auto alias, store_.Find<storage::v1::DirectoryAliasRecord>(Table::kAliases, catch_all));
    if (alias) *domain->mutable_catch_all() = alias->targets();
    return absl::OkStatus();
  };
  return FromStore(ListPage(store_, Table::kDomains, page, each, response.mutable_next_page_token()));
}

absl::Status AdminService::DoListRoutes(const rpc::CallInfo&, const v1::ListRoutesRequest& request,
                                        v1::ListRoutesResponse& response) {
  PageRequest page{request.page_size(), request.page_token()};
  auto each = [&](std::string_view key, std::string_view value) -> absl::Status {
    ASSIGN_OR_RETURN(auto record, Parse<storage::v1::DirectoryRouteRecord>(value));
    *response.add_routes() = ToRoute(key, record);
    return absl::OkStatus();
  };
  return FromStore(ListPage(store_, Table::kRoutes, page, each, response.mutable_next_page_token()));
}

// By address, so that a domain is a range.
absl::Status AdminService::DoListAccounts(const rpc::CallInfo&, const v1::ListAccountsRequest& request,
                                          v1::ListAccountsResponse& response) {
  PageRequest page{request.page_size(), request.page_token()};
  if (!request.domain().empty()) {
    absl::StatusOr<std::string> domain = ParseDomain(request.domain());
    if (!domain.ok()) return BadName("not a domain");
    page.prefix = *domain + std::string(1, '\0');
  }
  auto each = [&](std::string_view, std::string_view value) -> absl::Status {
    std::optional<AccountId> id = ParseAccountKey(value);
    if (!id) return absl::DataLossError("a record of addresses cannot be read");
    ASSIGN_OR_RETURN(std::optional<Resolver::Found> account, resolver_.FindAccountById(*id));
    if (account) *response.add_accounts() = ToAccount(account->id, account->record);
    return absl::OkStatus();
  };
  return FromStore(ListPage(store_, Table::kAddresses, page, each, response.mutable_next_page_token()));
}

absl::Status AdminService::DoListAliases(const rpc::CallInfo&, const v1::ListAliasesRequest& request,
                                         v1::ListAliasesResponse& response) {
  PageRequest page{request.page_size(), request.page_token()};
  auto each = [&](std::string_view key, std::string_view value) -> absl::Status {
    ASSIGN_OR_RETURN(auto record, Parse<storage::v1::DirectoryAliasRecord>(value));
    v1::Alias* alias = response.add_aliases();
    alias->set_address(Address::FromKey(key).ToString());
    *alias->mutable_targets() = record.targets();
    return absl::OkStatus();
  };
  return FromStore(ListPage(store_, Table::kAliases, page, each, response.mutable_next_page_token()));
}

}  // namespace mailmesh::directory
