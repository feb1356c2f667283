#include "services/fetcher/fetcher_service.h"

#include "common/base/status.h"
#include "common/telemetry/log.h"

namespace mailmesh::fetcher {

// A few microseconds of AES: quick enough for gRPC's own thread.
grpc::ServerUnaryReactor* FetcherServiceImpl::SealCredential(grpc::CallbackServerContext* context,
                                                             const fetch::v1::SealCredentialRequest* request,
                                                             fetch::v1::SealCredentialResponse* response) {
  if (request->plaintext().empty() || request->account_id().empty()) {
    return rpc::AnswerUnary(context, absl::InvalidArgumentError("plaintext and account_id are needed"));
  }
  absl::StatusOr<std::string> sealed = fetcher_.secrets->Seal(base::Secret(request->plaintext()), request->account_id());
  if (sealed.ok()) response->set_sealed_credential(*sealed);
  return rpc::AnswerUnary(context, sealed.status());
}

grpc::ServerUnaryReactor* FetcherServiceImpl::AddKey(grpc::CallbackServerContext* context, const fetch::v1::AddKeyRequest* request,
                                                     fetch::v1::AddKeyResponse* response) {
  return rpc::HandleUnaryOnPool(context, pool_, request, response, this, &FetcherServiceImpl::DoAddKey);
}

grpc::ServerUnaryReactor* FetcherServiceImpl::ResealCredential(grpc::CallbackServerContext* context,
                                                               const fetch::v1::ResealCredentialRequest* request,
                                                               fetch::v1::ResealCredentialResponse* response) {
  return rpc::HandleUnaryOnPool(context, pool_, request, response, this, &FetcherServiceImpl::DoReseal);
}

absl::Status FetcherServiceImpl::DoAddKey(const rpc::CallInfo&, const fetch::v1::AddKeyRequest&, fetch::v1::AddKeyResponse& response) {
  ASSIGN_OR_RETURN(const sasl::KeyFile::Added added, fetcher_.secrets->AddKey());
  telemetry::Info("key added", {{"key", added.name}, {"keys", static_cast<uint64_t>(added.keys)}});
  response.set_key_name(added.name);
  response.set_keys(static_cast<uint32_t>(added.keys));
  return absl::OkStatus();
}

absl::Status FetcherServiceImpl::DoReseal(const rpc::CallInfo&, const fetch::v1::ResealCredentialRequest& request,
                                          fetch::v1::ResealCredentialResponse& response) {
  ASSIGN_OR_RETURN(std::string sealed, fetcher_.secrets->Reseal(request.sealed_credential(), request.account_id()));
  response.set_changed(sealed != request.sealed_credential());
  response.set_sealed_credential(std::move(sealed));
  return absl::OkStatus();
}

}  // namespace mailmesh::fetcher
