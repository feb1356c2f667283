// Keeps a lease that another role has granted while something is done under it: renews it well before its time limit,
// whatever the holder waits for meanwhile, and knows when it was lost.
//
//   auto keeper = std::make_shared<rpc::LeaseKeeper>(executor, options, renew, on_lost);
//   keeper->Start();
//   ... work; if (keeper->lost()) give up ...
//   keeper->Stop();
//
// Owners: the holder and the coroutine that renews, which ends soon after Stop(). Thread-safety: all on the executor.
#ifndef MAILMESH_COMMON_RPC_LEASE_KEEPER_H_
#define MAILMESH_COMMON_RPC_LEASE_KEEPER_H_

#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/net/awaitable.h"
#include "common/net/event.h"

namespace mailmesh::rpc {

class LeaseKeeper : public std::enable_shared_from_this<LeaseKeeper> {
 public:
  struct Options {
    // What each renewal asks for.
    absl::Duration lease;
    // Whether a lease that could not be renewed in time counts as lost. Else only its owner's word does.
    bool lost_when_expired = false;
  };
  // Asks for the lease once more, in much less time than it lasts. FailedPrecondition, NotFound: it is lost; other errors:
  // not known. Returns the awaitable of a coroutine that owns what it needs; is itself no coroutine.
  using Renew = std::function<net::Awaitable<absl::Status>()>;

  // `on_lost`: called once, at most; may be empty.
  LeaseKeeper(net::Executor executor, Options options, Renew renew, std::function<void()> on_lost = {});

  // The lease was granted just now.
  void Start();
  void Stop();
  // Somebody else may have what the lease is for.
  bool lost() const { return lost_; }

 private:
  static net::Awaitable<void> Run(std::shared_ptr<LeaseKeeper> self);
  net::Awaitable<void> Loop();

  net::Event stop_event_;
  const Options options_;
  const Renew renew_;
  const std::function<void()> on_lost_;
  bool stopped_ = false;
  bool lost_ = false;
};

}  // namespace mailmesh::rpc

#endif  // MAILMESH_COMMON_RPC_LEASE_KEEPER_H_
