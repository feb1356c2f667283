// mailmesh.directory.v1.DirectoryService: look-ups, on the database pool.
#ifndef MAILMESH_SERVICES_DIRECTORY_LOOKUP_SERVICE_H_
#define MAILMESH_SERVICES_DIRECTORY_LOOKUP_SERVICE_H_

#include <functional>

#include "common/base/worker_pool.h"
#include "common/rpc/server_call.h"
#include "mailmesh/directory/v1/directory_service.grpc.pb.h"
#include "services/directory/metrics.h"
#include "services/directory/resolver.h"

namespace mailmesh::directory {

class LookupService final : public v1::DirectoryService::CallbackService {
 public:
  LookupService(const Store& store, base::WorkerPool& pool, const Metrics& metrics, uint32_t cache_seconds)
      : store_(store), resolver_(store), pool_(pool), metrics_(metrics), cache_seconds_(cache_seconds) {}

  grpc::ServerUnaryReactor* ResolveRecipients(grpc::CallbackServerContext* context, const v1::ResolveRecipientsRequest* request,
                                              v1::ResolveRecipientsResponse* response) override;
  grpc::ServerUnaryReactor* CheckSender(grpc::CallbackServerContext* context, const v1::CheckSenderRequest* request,
                                        v1::CheckSenderResponse* response) override;
  grpc::ServerUnaryReactor* BatchGetAccounts(grpc::CallbackServerContext* context,
                                              const v1::BatchGetAccountsRequest* request,
                                              v1::BatchGetAccountsResponse* response) override;
  grpc::ServerUnaryReactor* GetAccount(grpc::CallbackServerContext* context, const v1::GetAccountRequest* request,
                                       v1::GetAccountResponse* response) override;
  grpc::ServerUnaryReactor* GetRoute(grpc::CallbackServerContext* context, const v1::GetRouteRequest* request,
                                     v1::GetRouteResponse* response) override;
  grpc::ServerUnaryReactor* ListShards(grpc::CallbackServerContext* context, const v1::ListShardsRequest* request,
                                       v1::ListShardsResponse* response) override;

 private:
  absl::Status DoResolve(const rpc::CallInfo& info, const v1::ResolveRecipientsRequest& request,
                         v1::ResolveRecipientsResponse& response);
  absl::Status DoCheckSender(const rpc::CallInfo& info, const v1::CheckSenderRequest& request, v1::CheckSenderResponse& response);
  // Nothing where there is none.
  absl::StatusOr<std::optional<v1::Account>> FindAccount(const v1::GetAccountRequest& request) const;
  absl::Status DoBatchGetAccounts(const rpc::CallInfo& info, const v1::BatchGetAccountsRequest& request,
                                  v1::BatchGetAccountsResponse& response);
  absl::Status DoGetAccount(const rpc::CallInfo& info, const v1::GetAccountRequest& request, v1::GetAccountResponse& response);
  absl::Status DoGetRoute(const rpc::CallInfo& info, const v1::GetRouteRequest& request, v1::GetRouteResponse& response);
  absl::Status DoListShards(const rpc::CallInfo& info, const v1::ListShardsRequest& request, v1::ListShardsResponse& response);
  // Runs, measures and counts one look-up; `found` is set by it.
  absl::Status Measured(std::string_view kind, const std::function<absl::Status(bool& found)>& lookup) const;

  const Store& store_;
  const Resolver resolver_;
  base::WorkerPool& pool_;
  const Metrics& metrics_;
  const uint32_t cache_seconds_;
};

}  // namespace mailmesh::directory

#endif  // MAILMESH_SERVICES_DIRECTORY_LOOKUP_SERVICE_H_
