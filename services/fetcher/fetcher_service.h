// FetcherService: what operators ask of the process that holds the keys.
#ifndef MAILMESH_SERVICES_FETCHER_FETCHER_SERVICE_H_
#define MAILMESH_SERVICES_FETCHER_FETCHER_SERVICE_H_

#include "mailmesh/fetch/v1/fetcher_service.grpc.pb.h"
#include "services/fetcher/fetcher.h"

namespace mailmesh::fetcher {

class FetcherServiceImpl final : public fetch::v1::FetcherService::CallbackService {
 public:
  explicit FetcherServiceImpl(const Fetcher& fetcher) : fetcher_(fetcher) {}

  grpc::ServerUnaryReactor* SealCredential(grpc::CallbackServerContext* context,
                                           const fetch::v1::SealCredentialRequest* request,
                                           fetch::v1::SealCredentialResponse* response) override;

 private:
  const Fetcher& fetcher_;
};

}  // namespace mailmesh::fetcher

#endif  // MAILMESH_SERVICES_FETCHER_FETCHER_SERVICE_H_
