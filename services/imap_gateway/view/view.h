// One mailbox as all sessions of this process see it: the newest version, and who wants to know of the next.
//
// The shard's loop (shard.h) is its only writer. Sessions take the version they need and keep it as long as their client
// knows no newer one.
// Thread-safe; nothing waits but WaitFor, which a session awaits on its own executor.
#ifndef MAILMESH_SERVICES_IMAP_GATEWAY_VIEW_VIEW_H_
#define MAILMESH_SERVICES_IMAP_GATEWAY_VIEW_VIEW_H_

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "services/imap_gateway/view/observer.h"
#include "services/imap_gateway/view/version.h"

namespace mailmesh::imap_gateway {

struct ViewKey {
  std::string account_id;
  std::string mailbox_id;
  auto operator<=>(const ViewKey&) const = default;
};

class View {
 public:
  enum class End {
    kNone,
    kDeleted,   // the mailbox is gone
    kReplaced,  // the store was restored from a backup: what clients know may not be continued
  };
  struct Snapshot {
    VersionPtr version;  // null: never read yet
    net::TimePoint changed_at;
    End end = End::kNone;
  };

  View(ViewKey key, std::string incarnation) : key_(std::move(key)), incarnation_(std::move(incarnation)) {}

  const ViewKey& key() const { return key_; }
  const std::string& incarnation() const { return incarnation_; }

  Snapshot Get() const;
  VersionPtr version() const { return Get().version; }

  // By the shard's loop.
  void Publish(VersionPtr version);
  void SetEnd(End end);
  // Reading failed; whoever waits for the first version is told, later ones try again.
  void SetError(absl::Status error);
  void ClearError();

  void AddObserver(const std::shared_ptr<Observer>& observer);
  void RemoveObserver(const Observer* observer);

  // Until the view is at `modseq` or later. DeadlineExceeded; NotFound when the mailbox is gone; the error of reading it.
  static net::Awaitable<absl::Status> WaitFor(std::shared_ptr<View> view, std::shared_ptr<Observer> observer,
                                              uint64_t modseq, net::TimePoint deadline);

  // RFC 3501, 2.3.2: a message is \Recent to one session. Of the sessions here only the first that sees a new message
  // asks the store for it. True: ask for the messages up to `uid`.
  bool TakeRecentTurn(uint32_t uid);
  // SELECT has claimed everything up to `uid`.
  void NoteRecentClaimed(uint32_t uid);

 private:
  absl::Status Look(uint64_t modseq, bool* reached) const;
  void WakeAll() ABSL_SHARED_LOCKS_REQUIRED(mutex_);

  const ViewKey key_;
  const std::string incarnation_;
  mutable absl::Mutex mutex_;
  Snapshot now_ ABSL_GUARDED_BY(mutex_);
  absl::Status error_ ABSL_GUARDED_BY(mutex_);
  uint32_t recent_claimed_ ABSL_GUARDED_BY(mutex_) = 0;
  // Owners: the sessions; they leave before they end.
  std::vector<std::weak_ptr<Observer>> observers_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace mailmesh::imap_gateway

#endif  // MAILMESH_SERVICES_IMAP_GATEWAY_VIEW_VIEW_H_
