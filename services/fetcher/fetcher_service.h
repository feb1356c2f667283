// FetcherService: what operators ask of the process that holds the keys.
#ifndef MAILMESH_SERVICES_FETCHER_FETCHER_SERVICE_H_
#define MAILMESH_SERVICES_FETCHER_FETCHER_SERVICE_H_

#include "common/base/worker_pool.h"
#include "common/rpc/server_call.h"
#include "mailmesh/fetch/v1/fetcher_service.grpc.pb.h"
#include "services/fetcher/fetcher.h"

namespace mailmesh::fetcher {

class FetcherServiceImpl final : public fetch::v1::FetcherService::CallbackService {
 public:
  // `pool`: for what reads or writes the key ring's file.
  FetcherServiceImpl(const Fetcher& fetcher, base::WorkerPool& pool) : fetcher_(fetcher), pool_(pool) {}

  grpc::ServerUnaryReactor* SealCredential(grpc::CallbackServerContext* context,
                                           const fetch::v1::SealCredentialRequest* request,
                                           fetch::v1::SealCredentialResponse* response) override;
  grpc::ServerUnaryReactor* AddKey(grpc::CallbackServerContext* context, const fetch::v1::AddKeyRequest* request,
                                   fetch::v1::AddKeyResponse* response) override;
  grpc::ServerUnaryReactor* ResealCredential(grpc::CallbackServerContext* context,
                                             const fetch::v1::ResealCredentialRequest* request,
                                             fetch::v1::ResealCredentialResponse* response) override;

 private:
  absl::Status DoAddKey(const rpc::CallInfo& info, const fetch::v1::AddKeyRequest& request, fetch::v1::AddKeyResponse& response);
  absl::Status DoReseal(const rpc::CallInfo& info, const fetch::v1::ResealCredentialRequest& request,
                        fetch::v1::ResealCredentialResponse& response);

  const Fetcher& fetcher_;
  base::WorkerPool& pool_;
};

}  // namespace mailmesh::fetcher

#endif  // MAILMESH_SERVICES_FETCHER_FETCHER_SERVICE_H_
