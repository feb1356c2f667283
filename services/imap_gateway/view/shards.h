// The shards that accounts of this process's sessions live on, by name; each is made when first asked for.
// Thread-safe.
#ifndef MAILMESH_SERVICES_IMAP_GATEWAY_VIEW_SHARDS_H_
#define MAILMESH_SERVICES_IMAP_GATEWAY_VIEW_SHARDS_H_

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "services/imap_gateway/view/shard.h"

namespace mailmesh::imap_gateway {

class Shards {
 public:
  // `next_executor` says where a new shard's loop runs; `map` outlives this.
  Shards(auth::ShardMap& map, std::function<net::Executor()> next_executor, size_t closed_view_bytes);

  std::shared_ptr<Shard> Get(const std::string& name);
  size_t view_count() const;
  // Ends all loops and waits for them, until `deadline` at most.
  void Stop(absl::Time deadline);

 private:
  std::vector<std::shared_ptr<Shard>> All() const;

  auth::ShardMap& map_;
  const std::function<net::Executor()> next_executor_;
  const size_t closed_view_bytes_;
  mutable absl::Mutex mutex_;
  // Shared with the sessions and with the shards' own loops.
  std::map<std::string, std::shared_ptr<Shard>> shards_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace mailmesh::imap_gateway

#endif  // MAILMESH_SERVICES_IMAP_GATEWAY_VIEW_SHARDS_H_
