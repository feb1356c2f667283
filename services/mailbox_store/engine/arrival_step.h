// The step from schema 2 to 3: every mailbox's record tells when its last message came, also of messages that came before.
//
// Taken when an operator asks for it, while the store serves. Finalize records the new version, and from there on whoever adds a message
// keeps the record true; the rest goes on in the background, a mailbox at a time, and fills in what is still empty. How far it came is
// in the database, so that a process that was killed goes on there; a mailbox that is done twice comes out the same.
//
// Why nothing is missed: an operation of an account sees the new version or holds the account's lock from before it. Before the
// account's mailboxes are listed that lock is taken, so the list and the heads have all that was added without the record.
// Thread-safety: Finalize and left() by any thread; Start and Stop by the owner; RunOnce by one thread at a time.
#ifndef MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_ARRIVAL_STEP_H_
#define MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_ARRIVAL_STEP_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <thread>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "services/mailbox_store/engine/store.h"

namespace mailmesh::mailbox_store {

class ArrivalStep {
 public:
  struct Options {
    // Accounts and mailboxes of one round, and the pause after it.
    int units = 500;
    absl::Duration pause = absl::Milliseconds(100);
    // A round came further, or the version is new.
    std::function<void()> on_progress{};
    // A round failed; told once in a row.
    std::function<void(const absl::Status&)> on_error{};
  };

  // In the midst of the step it counts what is left: about a second for a million accounts.
  ArrivalStep(Store& store, Options options);
  ~ArrivalStep() { Stop(); }

  void Start();
  void Stop();

  // Durable when OK. Again, or in a database of schema 3: nothing.
  absl::Status Finalize();
  // Accounts that are left.
  uint64_t left() const;
  // One round; true: there is more to do.
  absl::StatusOr<bool> RunOnce();

 private:
  void Loop();
  bool stopping() const;
  uint64_t CountFrom(AccountId first) const;
  absl::Status TakeAccount(AccountId account, int* units);

  Store& store_;
  const Options options_;
  // Accounts that the step has not taken, while it goes on.
  std::atomic<uint64_t> left_{0};
  mutable absl::Mutex mutex_;
  bool stop_ ABSL_GUARDED_BY(mutex_) = false;
  // A round has something to do.
  bool due_ ABSL_GUARDED_BY(mutex_) = true;
  std::thread thread_;
};

}  // namespace mailmesh::mailbox_store

#endif  // MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_ARRIVAL_STEP_H_
