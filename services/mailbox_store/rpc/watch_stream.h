// One WatchMailboxes stream: many mailboxes, one writer.
//
// A subscription first catches up from the change records, then is told of each change as it becomes durable. Where the
// chain has a gap (the queue was full, changes overtook the catch-up), it catches up again: nothing is ever lost, and memory
// is bounded by kMaxQueued, however slow the reader.
// Thread-safety: OnChange by the hub; all else on the stream's executor. Owners: the handler's coroutines, posted wake-ups.
#ifndef MAILMESH_SERVICES_MAILBOX_STORE_RPC_WATCH_STREAM_H_
#define MAILMESH_SERVICES_MAILBOX_STORE_RPC_WATCH_STREAM_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "common/net/event.h"
#include "services/mailbox_store/engine/watch_hub.h"
#include "services/mailbox_store/rpc/service_base.h"

namespace mailmesh::mailbox_store {

class WatchStream final : public WatchHub::Watcher, public std::enable_shared_from_this<WatchStream> {
 public:
  using Request = mailbox::v1::WatchMailboxesRequest;
  using Response = mailbox::v1::WatchMailboxesResponse;

  static constexpr size_t kMaxWatches = 100'000;
  // Messages in queued changes (and one for each change).
  static constexpr size_t kMaxQueued = 20'000;

  WatchStream(const ServiceParts& parts, net::Executor executor);
  ~WatchStream() override;

  // Takes subscriptions until the caller has sent all, or the call is over.
  static asio::awaitable<void> ReadLoop(std::shared_ptr<WatchStream> self, rpc::ServerReader<Request>* reader);
  // Tells changes until the call is over; its result is the call's.
  asio::awaitable<absl::Status> WriteLoop(rpc::ServerWriter<Response>& writer);

  void OnChange(uint64_t watch_id, const std::shared_ptr<const MailboxChange>& change) override;

  void Wake() { changed_.Notify(); }
  // No subscription is told any more; before the handler returns.
  void Close();

 private:
  struct Watch {
    std::string account_id;
    AccountId account;
    MailboxId mailbox;
    uint64_t sent_modseq = 0;
    // There may be more in the database than was told.
    bool stale = true;
  };
  struct Queued {
    uint64_t watch_id;
    std::shared_ptr<const MailboxChange> change;
  };

  asio::awaitable<absl::Status> Subscribe(Request::Subscribe request);
  void Unsubscribe(uint64_t watch_id);
  void Forget(std::unordered_map<uint64_t, Watch>::iterator watch);
  std::vector<Queued> TakeQueued();
  // Writes what was queued; what does not follow on becomes stale.
  asio::awaitable<absl::Status> WriteQueued(rpc::ServerWriter<Response>& writer, bool* wrote);
  // Catches up one stale subscription.
  asio::awaitable<absl::Status> CatchUp(rpc::ServerWriter<Response>& writer, uint64_t watch_id);
  asio::awaitable<absl::Status> End(rpc::ServerWriter<Response>& writer, uint64_t watch_id,
                                    mailbox::v1::WatchMailboxesResponse::Ended::Cause cause);

  const ServiceParts parts_;
  net::Executor executor_;
  net::Event changed_;
  std::unordered_map<uint64_t, Watch> watches_;
  std::unordered_set<uint64_t> stale_;
  // Subscriptions that are over before they began: to be told.
  std::vector<std::pair<uint64_t, Response::Ended::Cause>> ended_;
  absl::Status failure_;
  bool read_ended_ = false;

  absl::Mutex mutex_;
  std::deque<Queued> queued_ ABSL_GUARDED_BY(mutex_);
  size_t queued_messages_ ABSL_GUARDED_BY(mutex_) = 0;
  std::unordered_set<uint64_t> dropped_ ABSL_GUARDED_BY(mutex_);
  bool woken_ ABSL_GUARDED_BY(mutex_) = false;
};

// What a change says to a watcher.
mailbox::v1::WatchMailboxesResponse ToResponse(uint64_t watch_id, const MailboxChange& change);

}  // namespace mailmesh::mailbox_store

#endif  // MAILMESH_SERVICES_MAILBOX_STORE_RPC_WATCH_STREAM_H_
