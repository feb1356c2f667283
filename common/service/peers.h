// The channels to other roles: one for each endpoint, shared, made when first asked for. Those of the configuration stay; another one
// stays as long as somebody has it: addresses come and go. Thread-safe.
#ifndef MAILMESH_COMMON_SERVICE_PEERS_H_
#define MAILMESH_COMMON_SERVICE_PEERS_H_

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "mailmesh/config/v1/common.pb.h"

namespace grpc {
class Channel;
}
namespace mailmesh::rpc {
class Metrics;
}

namespace mailmesh::service {

class Peers {
 public:
  // All outlive it.
  Peers(const config::v1::CommonConfig& config, rpc::Metrics& metrics) : config_(config), metrics_(metrics) {}

  absl::StatusOr<std::shared_ptr<grpc::Channel>> Channel(std::string_view peer);
  // The caller keeps it for as long as it may want it again.
  absl::StatusOr<std::shared_ptr<grpc::Channel>> ChannelTo(std::string_view role, std::string_view endpoint);

  struct State {
    std::string role;
    std::string endpoint;
    bool reachable = false;
  };
  // The peers of the configuration and the others that are in use; connects to those that are not connected, for `patience` in
  // all.
  std::vector<State> States(absl::Duration patience);

 private:
  using Key = std::pair<std::string, std::string>;

  const config::v1::CommonConfig& config_;
  rpc::Metrics& metrics_;
  absl::Mutex mutex_;
  // By role and endpoint; the callers own them.
  std::map<Key, std::weak_ptr<grpc::Channel>> channels_ ABSL_GUARDED_BY(mutex_);
  // Those of the configuration, by role; owned with the callers.
  std::map<std::string, std::shared_ptr<grpc::Channel>> configured_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace mailmesh::service

#endif  // MAILMESH_COMMON_SERVICE_PEERS_H_
