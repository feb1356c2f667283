// Tells those who watch mailboxes what was made durable, in that order.
//
// A Watcher (one for each stream) subscribes to mailboxes and is called for each change of them.
// Thread-safe. Watchers are called on the pipeline's completion thread, under the hub's lock: they only take note.
#ifndef MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_WATCH_HUB_H_
#define MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_WATCH_HUB_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/hash/hash.h"
#include "absl/synchronization/mutex.h"
#include "services/mailbox_store/engine/change.h"

namespace mailmesh::mailbox_store {

class WatchHub {
 public:
  class Watcher {
   public:
    virtual ~Watcher() = default;
    // `change` is shared by all watchers of the mailbox.
    virtual void OnChange(uint64_t watch_id, const std::shared_ptr<const MailboxChange>& change) = 0;
  };

  // Afterwards the watcher is called for what becomes durable from now on. It must unsubscribe before it goes.
  void Subscribe(Watcher* watcher, uint64_t watch_id, AccountId account, MailboxId mailbox);
  void Unsubscribe(Watcher* watcher, uint64_t watch_id, AccountId account, MailboxId mailbox);

  void Publish(std::vector<MailboxChange> changes);

  size_t subscribers() const;

 private:
  using Key = std::pair<uint64_t, uint64_t>;
  struct Subscription {
    Watcher* watcher;
    uint64_t watch_id;
  };

  mutable absl::Mutex mutex_;
  std::unordered_map<Key, std::vector<Subscription>, absl::Hash<Key>> subscriptions_ ABSL_GUARDED_BY(mutex_);
  size_t count_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace mailmesh::mailbox_store

#endif  // MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_WATCH_HUB_H_
