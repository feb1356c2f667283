#include "services/imap_gateway/view/shards.h"

#include <utility>

#include "absl/time/clock.h"

namespace mailmesh::imap_gateway {

Shards::Shards(auth::ShardMap& map, std::function<net::Executor()> next_executor, size_t closed_view_bytes)
    : map_(map), next_executor_(std::move(next_executor)), closed_view_bytes_(closed_view_bytes) {}

std::shared_ptr<Shard> Shards::Get(const std::string& name) {
  absl::MutexLock lock(&mutex_);
  std::shared_ptr<Shard>& shard = shards_[name];
  if (shard == nullptr) shard = std::make_shared<Shard>(name, map_, next_executor_(), closed_view_bytes_);
  return shard;
}

std::vector<std::shared_ptr<Shard>> Shards::All() const {
  absl::MutexLock lock(&mutex_);
  std::vector<std::shared_ptr<Shard>> all;
  for (const auto& [name, shard] : shards_) all.push_back(shard);
  return all;
}

size_t Shards::view_count() const {
  size_t count = 0;
  for (const std::shared_ptr<Shard>& shard : All()) count += shard->view_count();
  return count;
}

void Shards::Stop(absl::Time deadline) {
  const std::vector<std::shared_ptr<Shard>> all = All();
  for (const std::shared_ptr<Shard>& shard : all) shard->Stop();
  for (const std::shared_ptr<Shard>& shard : all) {
    while (!shard->stopped() && absl::Now() < deadline) absl::SleepFor(absl::Milliseconds(5));
  }
}

}  // namespace mailmesh::imap_gateway
