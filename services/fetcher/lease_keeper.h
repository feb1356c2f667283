// Keeps a job's lease while it runs: renews it well before its time limit, and knows when it was lost.
//
// Owners: the job's run and the coroutine that renews, which ends soon after Stop().
#ifndef MAILMESH_SERVICES_FETCHER_LEASE_KEEPER_H_
#define MAILMESH_SERVICES_FETCHER_LEASE_KEEPER_H_

#include <memory>
#include <string>

#include "common/net/awaitable.h"
#include "common/net/event.h"
#include "mailmesh/fetch/v1/fetch_job_service.grpc.pb.h"
#include "services/fetcher/fetcher.h"

namespace mailmesh::fetcher {

class LeaseKeeper : public std::enable_shared_from_this<LeaseKeeper> {
 public:
  LeaseKeeper(net::Executor executor, std::shared_ptr<grpc::Channel> store, std::string job_id, uint64_t token,
              absl::Duration lease);
  // All on the executor.
  void Start();
  void Stop();
  // Another fetcher may be at the job: stop touching anything. Appends are refused by the store in any case.
  bool lost() const { return lost_; }

 private:
  static net::Awaitable<void> Run(std::shared_ptr<LeaseKeeper> self);
  net::Awaitable<void> Loop();

  net::Event stop_event_;
  std::unique_ptr<fetch::v1::FetchJobService::Stub> stub_;
  const std::string job_id_;
  const uint64_t token_;
  const absl::Duration lease_;
  bool stopped_ = false;
  bool lost_ = false;
};

}  // namespace mailmesh::fetcher

#endif  // MAILMESH_SERVICES_FETCHER_LEASE_KEEPER_H_
