// QueueAdminService: what operators ask of the queue.
#ifndef MAILMESH_SERVICES_OUTBOUND_RELAY_QUEUE_ADMIN_SERVICE_H_
#define MAILMESH_SERVICES_OUTBOUND_RELAY_QUEUE_ADMIN_SERVICE_H_

#include "common/rpc/server_call.h"
#include "mailmesh/relay/v1/queue_admin_service.grpc.pb.h"
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

 private:
  absl::Status DoList(const rpc::CallInfo& info, const relay::v1::ListQueueItemsRequest& request,
                      relay::v1::ListQueueItemsResponse& response);
  absl::Status DoGet(const rpc::CallInfo& info, const relay::v1::GetQueueItemRequest& request, relay::v1::GetQueueItemResponse& response);
  absl::Status DoFlush(const rpc::CallInfo& info, const relay::v1::FlushQueueRequest& request, relay::v1::FlushQueueResponse& response);
  // Makes one message due now; false: it was, or it has left the queue.
  absl::StatusOr<bool> FlushOne(const QueueId& id, Item item);

  Relay& relay_;
  Scheduler& scheduler_;
};

}  // namespace mailmesh::outbound_relay

#endif  // MAILMESH_SERVICES_OUTBOUND_RELAY_QUEUE_ADMIN_SERVICE_H_
