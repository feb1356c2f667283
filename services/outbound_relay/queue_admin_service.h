// QueueAdminService: what operators ask of the queue.
#ifndef MAILMESH_SERVICES_OUTBOUND_RELAY_QUEUE_ADMIN_SERVICE_H_
#define MAILMESH_SERVICES_OUTBOUND_RELAY_QUEUE_ADMIN_SERVICE_H_

#include "common/rpc/server_call.h"
#include "mailmesh/relay/v1/queue_admin_service.grpc.pb.h"
#include "services/outbound_relay/queue_change.h"
#include "services/outbound_relay/relay.h"
#include "services/outbound_relay/scheduler.h"

namespace mailmesh::outbound_relay {

class QueueAdminServiceImpl final : public relay::v1::QueueAdminService::CallbackService {
 public:
  QueueAdminServiceImpl(Relay& relay, Scheduler& scheduler) : relay_(relay), scheduler_(scheduler) {}

  grpc::ServerUnaryReactor* ListQueueItems(grpc::CallbackServerContext* context, const relay::v1::ListQueueItemsRequest* request,
                                           relay::v1::ListQueueItemsResponse* response) override;
  grpc::ServerUnaryReactor* GetQueueItem(grpc::CallbackServerContext* context, const relay::v1::GetQueueItemRequest* request,
                                         relay::v1::GetQueueItemResponse* response) override;
  grpc::ServerUnaryReactor* FlushQueue(grpc::CallbackServerContext* context, const relay::v1::FlushQueueRequest* request,
                                       relay::v1::FlushQueueResponse* response) override;
  grpc::ServerUnaryReactor* HoldQueueItems(grpc::CallbackServerContext* context, const relay::v1::HoldQueueItemsRequest* request,
                                           relay::v1::HoldQueueItemsResponse* response) override;
  grpc::ServerUnaryReactor* ReleaseQueueItems(grpc::CallbackServerContext* context, const relay::v1::ReleaseQueueItemsRequest* request,
                                              relay::v1::ReleaseQueueItemsResponse* response) override;
  grpc::ServerUnaryReactor* DeleteQueueItems(grpc::CallbackServerContext* context, const relay::v1::DeleteQueueItemsRequest* request,
                                             relay::v1::DeleteQueueItemsResponse* response) override;
  grpc::ServerUnaryReactor* RerouteQueueItems(grpc::CallbackServerContext* context, const relay::v1::RerouteQueueItemsRequest* request,
                                              relay::v1::RerouteQueueItemsResponse* response) override;

 private:
  absl::Status DoList(const rpc::CallInfo& info, const relay::v1::ListQueueItemsRequest& request,
                      relay::v1::ListQueueItemsResponse& response);
  absl::Status DoGet(const rpc::CallInfo& info, const relay::v1::GetQueueItemRequest& request, relay::v1::GetQueueItemResponse& response);
  absl::Status DoFlush(const rpc::CallInfo& info, const relay::v1::FlushQueueRequest& request, relay::v1::FlushQueueResponse& response);
  absl::Status DoHold(const rpc::CallInfo& info, const relay::v1::HoldQueueItemsRequest& request, relay::v1::HoldQueueItemsResponse& response);
  absl::Status DoRelease(const rpc::CallInfo& info, const relay::v1::ReleaseQueueItemsRequest& request,
                         relay::v1::ReleaseQueueItemsResponse& response);
  absl::Status DoDelete(const rpc::CallInfo& info, const relay::v1::DeleteQueueItemsRequest& request,
                        relay::v1::DeleteQueueItemsResponse& response);
  absl::Status DoReroute(const rpc::CallInfo& info, const relay::v1::RerouteQueueItemsRequest& request,
                         relay::v1::RerouteQueueItemsResponse& response);
  // One page of any of them; `word` is for the log.
  template <class Request, class Response>
  absl::Status Apply(const char* word, const rpc::CallInfo& info, const Request& request, Response& response, const Change& change);

  Relay& relay_;
  Scheduler& scheduler_;
};

}  // namespace mailmesh::outbound_relay

#endif  // MAILMESH_SERVICES_OUTBOUND_RELAY_QUEUE_ADMIN_SERVICE_H_
