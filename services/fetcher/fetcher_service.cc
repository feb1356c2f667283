#include "services/fetcher/fetcher_service.h"

#include "common/rpc/server_call.h"

namespace mailmesh::fetcher {

// A few microseconds of AES: quick enough for gRPC's own thread.
grpc::ServerUnaryReactor* FetcherServiceImpl::SealCredential(grpc::CallbackServerContext* context,
                                                             const fetch::v1::SealCredentialRequest* request,
                                                             fetch::v1::SealCredentialResponse* response) {
  if (request->plaintext().empty() || request->account_id().empty()) {
    return rpc::AnswerUnary(context, absl::InvalidArgumentError("plaintext and account_id are needed"));
  }
  absl::StatusOr<std::string> sealed = fetcher_.secrets.Seal(base::Secret(request->plaintext()), request->account_id());
  if (sealed.ok()) response->set_sealed_credential(*sealed);
  return rpc::AnswerUnary(context, sealed.status());
}

}  // namespace mailmesh::fetcher
