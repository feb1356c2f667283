// Shard name -> channel to the mailbox_store that serves it.
//
// The map is the directory's (ListShards), read on first need and again when older than it allows; while the directory is
// away the last one stays in use without limit, for shards move rarely and a wrong one answers WRONG_SHARD. A channel is
// made once per endpoint and shared. A name that is not in the map is looked up again, at most once a second.
// Thread-safe; every call runs on the caller's executor.
#ifndef MAILMESH_COMMON_AUTH_SHARD_MAP_H_
#define MAILMESH_COMMON_AUTH_SHARD_MAP_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/clock.h"
#include "common/net/awaitable.h"
#include "mailmesh/directory/v1/directory_service.pb.h"

namespace grpc {
class Channel;
}

namespace mailmesh::auth {

class ShardMap {
 public:
  // Makes a channel to a mailbox_store at "host:port", "dns:///..." or "unix:PATH" (common/rpc).
  using ChannelFactory = std::function<std::shared_ptr<grpc::Channel>(const std::string& endpoint)>;

  ShardMap(std::shared_ptr<grpc::Channel> directory, ChannelFactory factory,
           const base::Clock& clock = base::Clock::Real());
  ~ShardMap();
  ShardMap(const ShardMap&) = delete;
  ShardMap& operator=(const ShardMap&) = delete;

  // NotFound: no such shard; Unavailable: not known and the directory does not answer.
  net::Awaitable<absl::StatusOr<std::shared_ptr<grpc::Channel>>> Channel(std::string shard, net::TimePoint deadline);
  // All shards, by name.
  net::Awaitable<absl::StatusOr<std::vector<directory::v1::Shard>>> List(net::TimePoint deadline);
  // What a log-in told (Success::shard, shard_endpoint): spares the first look-up.
  void Learn(const std::string& shard, const std::string& endpoint);
  // A store said WRONG_SHARD, or could not be reached: read the map before the next use.
  void Invalidate();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mailmesh::auth

#endif  // MAILMESH_COMMON_AUTH_SHARD_MAP_H_
