// An account in memory: its lock and its head, the newest state that was handed to the commit pipeline.
//
// The head is a cache over the database: records that are decoded, and an overlay of what is staged. It may be dropped
// whenever no commit of the account is under way, and must be when one has failed.
// Thread-safety: what is guarded says so; the rest is constant or atomic.
#ifndef MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_ACCOUNT_H_
#define MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_ACCOUNT_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "absl/synchronization/mutex.h"
#include "common/base/ids.h"
#include "common/kv/commit_pipeline.h"
#include "mailmesh/storage/v1/mailbox.pb.h"
#include "services/mailbox_store/engine/overlay.h"

namespace mailmesh::mailbox_store {

class Account {
 public:
  Account(AccountId number, std::string id) : number_(number), id_(std::move(id)) {}

  AccountId number() const { return number_; }
  // The directory's id.
  const std::string& id() const { return id_; }

  // Serialises what is staged. Held for some microseconds, for milliseconds by operations on whole mailboxes.
  absl::Mutex mutex;

  struct Head {
    // All commits on this head name it.
    std::shared_ptr<kv::Lineage> lineage = std::make_shared<kv::Lineage>();
    Overlay overlay;
    std::optional<storage::v1::AccountRecord> record;
    std::unordered_map<uint64_t, storage::v1::MailboxRecord> mailboxes;
    // Deltas on pages since each was last written whole; says when that is due again.
    std::unordered_map<std::string, uint32_t> deltas;
  };
  // Drops the head if a commit on it has failed, and what is durable from its overlay.
  Head& CurrentHead() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);

  uint64_t NextTicket() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) { return ++last_ticket_; }
  // A commit came to its end, well or not; in the order of tickets.
  void TicketDone(uint64_t ticket) { done_ticket_.store(ticket, std::memory_order_release); }
  bool Idle() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    return done_ticket_.load(std::memory_order_acquire) == last_ticket_;
  }
  // About how much memory the head takes.
  size_t MemoryEstimate() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);

 private:
  const AccountId number_;
  const std::string id_;
  Head head_ ABSL_GUARDED_BY(mutex);
  uint64_t last_ticket_ ABSL_GUARDED_BY(mutex) = 0;
  std::atomic<uint64_t> done_ticket_{0};
};

// Owners: the table of accounts, operations under way, commits under way.
using AccountPtr = std::shared_ptr<Account>;

}  // namespace mailmesh::mailbox_store

#endif  // MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_ACCOUNT_H_
