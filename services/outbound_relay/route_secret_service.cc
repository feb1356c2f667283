#include "services/outbound_relay/route_secret_service.h"

#include "common/base/status.h"
#include "common/telemetry/log.h"

namespace mailmesh::outbound_relay {

grpc::ServerUnaryReactor* RouteSecretServiceImpl::SealRoutePassword(grpc::CallbackServerContext* context,
                                                                    const relay::v1::SealRoutePasswordRequest* request,
                                                                    relay::v1::SealRoutePasswordResponse* response) {
  return rpc::HandleUnaryOnPool(context, pool_, request, response, this, &RouteSecretServiceImpl::DoSeal);
}

grpc::ServerUnaryReactor* RouteSecretServiceImpl::ResealRoutePassword(grpc::CallbackServerContext* context,
                                                                      const relay::v1::ResealRoutePasswordRequest* request,
                                                                      relay::v1::ResealRoutePasswordResponse* response) {
  return rpc::HandleUnaryOnPool(context, pool_, request, response, this, &RouteSecretServiceImpl::DoReseal);
}

grpc::ServerUnaryReactor* RouteSecretServiceImpl::AddRouteKey(grpc::CallbackServerContext* context,
                                                              const relay::v1::AddRouteKeyRequest* request,
                                                              relay::v1::AddRouteKeyResponse* response) {
  return rpc::HandleUnaryOnPool(context, pool_, request, response, this, &RouteSecretServiceImpl::DoAddKey);
}

absl::Status RouteSecretServiceImpl::DoSeal(const rpc::CallInfo&, const relay::v1::SealRoutePasswordRequest& request,
                                            relay::v1::SealRoutePasswordResponse& response) {
  ASSIGN_OR_RETURN(*response.mutable_sealed_password(),
                   secrets_.Seal(request.domain(), request.user(), base::Secret(request.password())));
  return absl::OkStatus();
}

absl::Status RouteSecretServiceImpl::DoReseal(const rpc::CallInfo&, const relay::v1::ResealRoutePasswordRequest& request,
                                              relay::v1::ResealRoutePasswordResponse& response) {
  ASSIGN_OR_RETURN(std::string sealed, secrets_.Reseal(request.domain(), request.user(), request.sealed_password()));
  response.set_changed(sealed != request.sealed_password());
  response.set_sealed_password(std::move(sealed));
  return absl::OkStatus();
}

absl::Status RouteSecretServiceImpl::DoAddKey(const rpc::CallInfo&, const relay::v1::AddRouteKeyRequest&,
                                              relay::v1::AddRouteKeyResponse& response) {
  ASSIGN_OR_RETURN(const sasl::KeyFile::Added added, secrets_.AddKey());
  telemetry::Info("key added", {{"key", added.name}, {"keys", static_cast<uint64_t>(added.keys)}});
  response.set_key_name(added.name);
  response.set_keys(static_cast<uint32_t>(added.keys));
  return absl::OkStatus();
}

}  // namespace mailmesh::outbound_relay
