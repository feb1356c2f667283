// RelayService: takes responsibility for messages.
#ifndef MAILMESH_SERVICES_OUTBOUND_RELAY_RELAY_SERVICE_H_
#define MAILMESH_SERVICES_OUTBOUND_RELAY_RELAY_SERVICE_H_

#include <absl/base/thread_annotations.h>
#include <absl/container/flat_hash_map.h>
#include <absl/synchronization/mutex.h>
#include <absl/time/time.h>

#include <atomic>
#include <string>

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

  // A content is coming in, or has come and its message is about to be queued: only here it can be.
  bool ExpectsMessages();
  // From now on UNAVAILABLE/SHUTTING_DOWN is all that a call gets.
  void Refuse() { refuses_.store(true); }

 private:
  net::Awaitable<absl::Status> ReadUpload(std::string upload_id, rpc::ServerReader<relay::v1::UploadBodyRequest>& reader,
                                          relay::v1::UploadBodyResponse& response);
  net::Awaitable<absl::Status> OnUploadBody(rpc::CallInfo info, rpc::ServerReader<relay::v1::UploadBodyRequest>& reader,
                                            relay::v1::UploadBodyResponse& response);
  void DoEnqueue(const rpc::CallInfo& info, const relay::v1::EnqueueMessageRequest& request,
                 relay::v1::EnqueueMessageResponse* response, rpc::Responder responder);
  // One call at a time for a request id: false while another goes on. End: before the answer.
  bool Begin(const relay::v1::EnqueueMessageRequest& request);
  void End(const relay::v1::EnqueueMessageRequest& request);

  Relay& relay_;
  Scheduler& scheduler_;
  net::IoPool& pool_;
  std::atomic<bool> refuses_{false};
  absl::Mutex mutex_;
  absl::flat_hash_set<std::string> enqueuing_ ABSL_GUARDED_BY(mutex_);  // request ids of calls that are under way
  absl::flat_hash_map<std::string, absl::Time> expected_ ABSL_GUARDED_BY(mutex_);  // uploads, and until when they count as such
};

}  // namespace mailmesh::outbound_relay

#endif  // MAILMESH_SERVICES_OUTBOUND_RELAY_RELAY_SERVICE_H_
