// RelayService: takes responsibility for messages.
#ifndef MAILMESH_SERVICES_OUTBOUND_RELAY_RELAY_SERVICE_H_
#define MAILMESH_SERVICES_OUTBOUND_RELAY_RELAY_SERVICE_H_

#include "common/net/io_pool.h"
#include "common/rpc/server_call.h"
#include "common/rpc/server_stream.h"
#include "mailmesh/relay/v1/relay_service.grpc.pb.h"
#include "services/outbound_relay/relay.h"
#include "services/outbound_relay/scheduler.h"

namespace mailmesh::outbound_relay {

class RelayServiceImpl final : public relay::v1::RelayService::CallbackService {
 public:
  RelayServiceImpl(Relay& relay, Scheduler& scheduler, net::IoPool& pool) : relay_(relay), scheduler_(scheduler), pool_(pool) {}

  grpc::ServerReadReactor<relay::v1::UploadBodyRequest>* UploadBody(grpc::CallbackServerContext* context,
                                                                    relay::v1::UploadBodyResponse* response) override;
  grpc::ServerUnaryReactor* EnqueueMessage(grpc::CallbackServerContext* context, const relay::v1::EnqueueMessageRequest* request,
                                           relay::v1::EnqueueMessageResponse* response) override;

 private:
  net::Awaitable<absl::Status> OnUploadBody(rpc::CallInfo info, rpc::ServerReader<relay::v1::UploadBodyRequest>& reader,
                                            relay::v1::UploadBodyResponse& response);
  void DoEnqueue(const rpc::CallInfo& info, const relay::v1::EnqueueMessageRequest& request,
                 relay::v1::EnqueueMessageResponse* response, rpc::Responder responder);

  Relay& relay_;
  Scheduler& scheduler_;
  net::IoPool& pool_;
};

}  // namespace mailmesh::outbound_relay

#endif  // MAILMESH_SERVICES_OUTBOUND_RELAY_RELAY_SERVICE_H_
