// RouteSecretService: seals the passwords of routes for operators.
#ifndef MAILMESH_SERVICES_OUTBOUND_RELAY_ROUTE_SECRET_SERVICE_H_
#define MAILMESH_SERVICES_OUTBOUND_RELAY_ROUTE_SECRET_SERVICE_H_

#include "common/base/worker_pool.h"
#include "common/rpc/server_call.h"
#include "mailmesh/relay/v1/route_secret_service.grpc.pb.h"
#include "services/outbound_relay/route_secrets.h"

namespace mailmesh::outbound_relay {

class RouteSecretServiceImpl final : public relay::v1::RouteSecretService::CallbackService {
 public:
  // `pool`: for what reads or writes the key ring's file. Both outlive the service.
  RouteSecretServiceImpl(const RouteSecrets& secrets, base::WorkerPool& pool) : secrets_(secrets), pool_(pool) {}

  grpc::ServerUnaryReactor* SealRoutePassword(grpc::CallbackServerContext* context, const relay::v1::SealRoutePasswordRequest* request,
                                              relay::v1::SealRoutePasswordResponse* response) override;
  grpc::ServerUnaryReactor* ResealRoutePassword(grpc::CallbackServerContext* context,
                                                const relay::v1::ResealRoutePasswordRequest* request,
                                                relay::v1::ResealRoutePasswordResponse* response) override;
  grpc::ServerUnaryReactor* AddRouteKey(grpc::CallbackServerContext* context, const relay::v1::AddRouteKeyRequest* request,
                                        relay::v1::AddRouteKeyResponse* response) override;

 private:
  absl::Status DoSeal(const rpc::CallInfo& info, const relay::v1::SealRoutePasswordRequest& request,
                      relay::v1::SealRoutePasswordResponse& response);
  absl::Status DoReseal(const rpc::CallInfo& info, const relay::v1::ResealRoutePasswordRequest& request,
                        relay::v1::ResealRoutePasswordResponse& response);
  absl::Status DoAddKey(const rpc::CallInfo& info, const relay::v1::AddRouteKeyRequest& request,
                        relay::v1::AddRouteKeyResponse& response);

  const RouteSecrets& secrets_;
  base::WorkerPool& pool_;
};

}  // namespace mailmesh::outbound_relay

#endif  // MAILMESH_SERVICES_OUTBOUND_RELAY_ROUTE_SECRET_SERVICE_H_
