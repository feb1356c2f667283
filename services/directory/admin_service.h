// mailmesh.directory.v1.DirectoryAdminService: changes by the editor, lists from the store, on worker pools.
#ifndef MAILMESH_SERVICES_DIRECTORY_ADMIN_SERVICE_H_
#define MAILMESH_SERVICES_DIRECTORY_ADMIN_SERVICE_H_

#include "common/base/worker_pool.h"
#include "common/rpc/server_call.h"
#include "mailmesh/directory/v1/directory_admin_service.grpc.pb.h"
#include "services/directory/editor.h"
#include "services/directory/resolver.h"

namespace mailmesh::directory {

class AdminService final : public v1::DirectoryAdminService::CallbackService {
 public:
  // `edits`: a pool of its own, for changes wait for each other and for the disk; `hash_pool`: changes that hash.
  AdminService(const Store& store, Editor& editor, base::WorkerPool& edits, base::WorkerPool& hash_pool)
      : store_(store), resolver_(store), editor_(editor), edits_(edits), hash_pool_(hash_pool) {}

#define MAILMESH_DIRECTORY_METHOD(Name)                                                                            \
  grpc::ServerUnaryReactor* Name(grpc::CallbackServerContext* context, const v1::Name##Request* request,           \
                                 v1::Name##Response* response) override
  MAILMESH_DIRECTORY_METHOD(CreateDomain);
  MAILMESH_DIRECTORY_METHOD(UpdateDomain);
  MAILMESH_DIRECTORY_METHOD(ListDomains);
  MAILMESH_DIRECTORY_METHOD(DeleteDomain);
  MAILMESH_DIRECTORY_METHOD(SetRoute);
  MAILMESH_DIRECTORY_METHOD(ListRoutes);
  MAILMESH_DIRECTORY_METHOD(DeleteRoute);
  MAILMESH_DIRECTORY_METHOD(ReplaceRoutePassword);
  MAILMESH_DIRECTORY_METHOD(CreateAccount);
  MAILMESH_DIRECTORY_METHOD(ListAccounts);
  MAILMESH_DIRECTORY_METHOD(DeleteAccount);
  MAILMESH_DIRECTORY_METHOD(SetPassword);
  MAILMESH_DIRECTORY_METHOD(SetAccountDisabled);
  MAILMESH_DIRECTORY_METHOD(SetAlias);
  MAILMESH_DIRECTORY_METHOD(ListAliases);
  MAILMESH_DIRECTORY_METHOD(DeleteAlias);
  MAILMESH_DIRECTORY_METHOD(SetShard);
#undef MAILMESH_DIRECTORY_METHOD

 private:
  template <class Request, class Response>
  using Edit = absl::Status (Editor::*)(const Request&, Response&);
  // Answers by a method of the editor, on `pool`.
  template <auto edit, class Request, class Response>
  grpc::ServerUnaryReactor* Change(grpc::CallbackServerContext* context, base::WorkerPool& pool, const Request* request,
                                   Response* response);
  template <auto edit, class Request, class Response>
  absl::Status DoChange(const rpc::CallInfo& info, const Request& request, Response& response);

  absl::Status DoListDomains(const rpc::CallInfo& info, const v1::ListDomainsRequest& request, v1::ListDomainsResponse& response);
  absl::Status DoListRoutes(const rpc::CallInfo& info, const v1::ListRoutesRequest& request, v1::ListRoutesResponse& response);
  absl::Status DoListAccounts(const rpc::CallInfo& info, const v1::ListAccountsRequest& request, v1::ListAccountsResponse& response);
  absl::Status DoListAliases(const rpc::CallInfo& info, const v1::ListAliasesRequest& request, v1::ListAliasesResponse& response);

  const Store& store_;
  const Resolver resolver_;
  Editor& editor_;
  base::WorkerPool& edits_;
  base::WorkerPool& hash_pool_;
};

}  // namespace mailmesh::directory

#endif  // MAILMESH_SERVICES_DIRECTORY_ADMIN_SERVICE_H_
