// Stubs that are made once for each channel and not for each call: a stub registers all methods of its service with the channel,
// which for a service of thirty takes some microseconds.
//
//   absl::StatusOr<...> channel = co_await shards.Channel(shard, deadline);
//   std::shared_ptr<MailboxService::Stub> stub = stubs.For(*channel);
//
// Thread-safe. Memory: some ten stubs; a stub keeps its channel, so channels that are no longer used may stay until others push
// them out.
#ifndef MAILMESH_COMMON_RPC_STUB_CACHE_H_
#define MAILMESH_COMMON_RPC_STUB_CACHE_H_

#include <grpcpp/channel.h>

#include <map>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace mailmesh::rpc {

template <class Service>
class StubCache {
 public:
  using Stub = typename Service::Stub;

  // Shared with the calls that use it.
  std::shared_ptr<Stub> For(const std::shared_ptr<grpc::Channel>& channel) {
    absl::MutexLock lock(&mutex_);
    const auto found = stubs_.find(channel);
    if (found != stubs_.end()) return found->second;
    if (stubs_.size() >= kMaxStubs) stubs_.clear();
    return stubs_.emplace(channel, Service::NewStub(channel)).first->second;
  }

 private:
  static constexpr size_t kMaxStubs = 64;

  absl::Mutex mutex_;
  std::map<std::shared_ptr<grpc::Channel>, std::shared_ptr<Stub>> stubs_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace mailmesh::rpc

#endif  // MAILMESH_COMMON_RPC_STUB_CACHE_H_
