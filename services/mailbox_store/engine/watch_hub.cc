#include "services/mailbox_store/engine/watch_hub.h"

#include <algorithm>

namespace mailmesh::mailbox_store {

void WatchHub::Subscribe(Watcher* watcher, uint64_t watch_id, AccountId account, MailboxId mailbox) {
  absl::MutexLock lock(&mutex_);
  subscriptions_[Key(account.value(), mailbox.value())].push_back(Subscription{watcher, watch_id});
  ++count_;
}

void WatchHub::Unsubscribe(Watcher* watcher, uint64_t watch_id, AccountId account, MailboxId mailbox) {
  absl::MutexLock lock(&mutex_);
  const auto it = subscriptions_.find(Key(account.value(), mailbox.value()));
  if (it == subscriptions_.end()) return;
  std::vector<Subscription>& all = it->second;
  const auto found = std::find_if(all.begin(), all.end(), [&](const Subscription& subscription) {
    return subscription.watcher == watcher && subscription.watch_id == watch_id;
  });
  if (found == all.end()) return;
  all.erase(found);
  --count_;
  if (all.empty()) subscriptions_.erase(it);
}

void WatchHub::Publish(std::vector<MailboxChange> changes) {
  absl::MutexLock lock(&mutex_);
  if (count_ == 0) return;
  for (MailboxChange& change : changes) {
    const auto it = subscriptions_.find(Key(change.account.value(), change.mailbox.value()));
    if (it == subscriptions_.end()) continue;
    const auto shared = std::make_shared<const MailboxChange>(std::move(change));
    for (const Subscription& subscription : it->second) subscription.watcher->OnChange(subscription.watch_id, shared);
  }
}

size_t WatchHub::subscribers() const {
  absl::MutexLock lock(&mutex_);
  return count_;
}

}  // namespace mailmesh::mailbox_store
