#include "services/mailbox_store/engine/fetch_jobs.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <utility>
#include <vector>

#include "common/base/bytes.h"
#include "services/mailbox_store/engine/fetch_fence.h"
#include "services/mailbox_store/engine/fetch_job_record.h"
#include "services/mailbox_store/engine/fetch_leases.h"
#include "services/mailbox_store/engine/mutation.h"

namespace mailmesh::mailbox_store {
namespace {

using namespace fetch::v1;  // NOLINT: the messages of one contract
using storage::v1::FetchJobRecord;

constexpr int kMaxPage = 10'000;
constexpr uint32_t kMaxJobsOfALease = 100;
constexpr uint32_t kMinLimit = 10;
constexpr uint32_t kMaxLimit = 3600;
constexpr size_t kMaxJobsOfAnAccount = 100;
constexpr size_t kMaxError = 1024;
constexpr int64_t kMaxPause = 7 * 86'400;

absl::StatusOr<FetchJobRecord> ReadJob(Txn& txn, const JobKey& key) {
  ASSIGN_OR_RETURN(const auto octets, txn.Get(ColumnId::kJobs, keys::Job(key.account, key.job)));
  if (!octets) return FetchJobNotFound(JobIdText(key.account, key.job));
  FetchJobRecord record;
  if (!record.ParseFromString(*octets)) return Damaged("fetch job");
  return record;
}

void WriteJob(Txn& txn, const JobKey& key, const FetchJobRecord& record) {
  txn.Put(ColumnId::kJobs, keys::Job(key.account, key.job), record.SerializeAsString());
}

// Runs `stage(Txn&, FetchJobRecord&, Response*)` on a job, writes it back, and once that is durable brings the schedule up to date.
template <class Response, class Stage>
void MutateJob(Store& store, std::string_view job_id, char letter, std::string_view request_id, Done<Response> done,
               Stage stage, MutationOptions options = {}) {
  const std::optional<JobKey> key = ParseJobId(job_id);
  if (!key) return done(FetchJobNotFound(job_id));
  auto changed = std::make_shared<std::optional<FetchJobRecord>>();  // shared with the completion
  auto finished = [&store, key = *key, changed, done = std::move(done)](absl::StatusOr<Response> response) mutable {
    if (response.ok() && changed->has_value()) store.fetch_leases().Set(key, **changed);
    done(std::move(response));
  };
  auto find = [&]() -> absl::StatusOr<AccountPtr> {
    absl::StatusOr<AccountPtr> account = store.FindAccountByNumber(key->account);
    if (absl::IsNotFound(account.status())) return FetchJobNotFound(job_id);
    return account;
  };
  MutateFound<Response>(
      store, find, letter, request_id, std::move(finished),
      [&](Txn& txn, Response* response, MutationOptions&) -> absl::Status {
        ASSIGN_OR_RETURN(FetchJobRecord record, ReadJob(txn, *key));
        RETURN_IF_ERROR(stage(txn, record, response));
        WriteJob(txn, *key, record);
        *changed = std::move(record);
        return absl::OkStatus();
      },
      options);
}

absl::StatusOr<size_t> CountJobs(Txn& txn) {
  const std::string prefix = keys::Account(txn.number());
  auto it = txn.store().db().NewIterator(txn.store().column(ColumnId::kJobs), prefix, kv::PrefixEnd(prefix));
  size_t count = 0;
  for (it->SeekToFirst(); it->Valid(); it->Next()) ++count;
  RETURN_IF_ERROR(FromKv(it->status()));
  return count;
}

int64_t LeaseEnd(const Store& store, uint32_t seconds) {
  return store.NowSeconds() + std::clamp(seconds, kMinLimit, kMaxLimit);
}

absl::StatusOr<LeaseFetchJobsResponse::Lease> LeaseOne(Txn& txn, const JobKey& key, const LeaseFetchJobsRequest& request,
                                                       FetchJobRecord* changed) {
  ASSIGN_OR_RETURN(FetchJobRecord record, ReadJob(txn, key));
  const int64_t now = txn.store().NowSeconds();
  if (record.next_run_seconds() > now || record.lease_until_seconds() > now) return LeaseLost("no longer due");
  record.set_lease_token(record.lease_token() + 1);
  record.set_lease_until_seconds(LeaseEnd(txn.store(), request.time_limit_seconds()));
  record.set_lease_holder(request.holder());
  WriteJob(txn, key, record);
  LeaseFetchJobsResponse::Lease lease;
  *lease.mutable_job() = ToContract(key, record, /*with_credential=*/true);
  lease.set_lease_token(record.lease_token());
  *lease.mutable_state() = StateOf(record, now);
  *changed = std::move(record);
  return lease;
}

// Gathers the leases of several jobs, each a commit of its own, and answers with the last.
struct Gathering {
  Gathering(Done<LeaseFetchJobsResponse> done, size_t jobs) : done(std::move(done)), left(jobs) {}
  void Finished() {
    if (left.fetch_sub(1) == 1) done(std::move(response));
  }
  Done<LeaseFetchJobsResponse> done;
  std::atomic<size_t> left;
  absl::Mutex mutex;
  LeaseFetchJobsResponse response;
};

}  // namespace

void CreateFetchJob(Store& store, const CreateFetchJobRequest& request, Done<CreateFetchJobResponse> done) {
  auto created = std::make_shared<std::optional<FetchJobRecord>>();  // shared with the completion
  auto finished = [&store, created, done = std::move(done)](absl::StatusOr<CreateFetchJobResponse> response) mutable {
    if (response.ok() && created->has_value()) store.fetch_leases().Set(*ParseJobId(response->job_id()), **created);
    done(std::move(response));
  };
  auto stage = [&](Txn& txn, CreateFetchJobResponse* response, MutationOptions&) -> absl::Status {
    RETURN_IF_ERROR(CheckFetchJob(request.job()));
    ASSIGN_OR_RETURN(const size_t jobs, CountJobs(txn));
    if (jobs >= kMaxJobsOfAnAccount) return LimitReached("fetch jobs of an account");
    storage::v1::AccountRecord& account = txn.EditRecord();
    account.set_last_fetch_job(account.last_fetch_job() + 1);
    const JobKey key{txn.number(), account.last_fetch_job()};
    FetchJobRecord record = ToStored(request.job());
    record.set_next_run_seconds(store.NowSeconds());
    WriteJob(txn, key, record);
    response->set_job_id(JobIdText(key.account, key.job));
    *created = std::move(record);
    return absl::OkStatus();
  };
  Mutate<CreateFetchJobResponse>(store, request.job().account_id(), kFetchJobRequest, request.request_id(),
                                 std::move(finished), stage);
}

void DeleteFetchJob(Store& store, const DeleteFetchJobRequest& request, Done<DeleteFetchJobResponse> done) {
  const std::optional<JobKey> key = ParseJobId(request.job_id());
  if (!key) return done(FetchJobNotFound(request.job_id()));
  auto finished = [&store, key = *key, done = std::move(done)](absl::StatusOr<DeleteFetchJobResponse> response) mutable {
    if (response.ok()) store.fetch_leases().Remove(key);
    done(std::move(response));
  };
  auto stage = [&](Txn& txn, DeleteFetchJobResponse*, MutationOptions&) -> absl::Status {
    RETURN_IF_ERROR(ReadJob(txn, *key));
    const std::string job = keys::Job(key->account, key->job);
    txn.Delete(ColumnId::kJobs, job);
    // Its number is never given again, so nobody asks the head for these.
    txn.batch().DeleteRange(store.column(ColumnId::kSeenIds), job, kv::PrefixEnd(job));
    return absl::OkStatus();
  };
  MutationOptions options;
  options.commit.grows = false;
  MutateFound<DeleteFetchJobResponse>(
      store, [&] { return store.FindAccountByNumber(key->account); }, kFetchJobRequest, request.request_id(),
      std::move(finished), stage, options);
}

void ReplaceFetchCredential(Store& store, const ReplaceFetchCredentialRequest& request,
                            Done<ReplaceFetchCredentialResponse> done) {
  MutateJob<ReplaceFetchCredentialResponse>(
      store, request.job_id(), kFetchJobRequest, request.request_id(), std::move(done),
      [&](Txn&, FetchJobRecord& record, ReplaceFetchCredentialResponse*) -> absl::Status {
        // What was sealed anew is only good for what was read: somebody may have set another password since.
        if (record.sealed_credential() != request.old_sealed_credential()) return InUse("the credential has changed");
        record.set_sealed_credential(request.new_sealed_credential());
        return CheckFetchJob(ToContract(JobKey{}, record, /*with_credential=*/true));
      });
}

void TriggerFetchJob(Store& store, const TriggerFetchJobRequest& request, Done<TriggerFetchJobResponse> done) {
  MutateJob<TriggerFetchJobResponse>(
      store, request.job_id(), kFetchJobRequest, request.request_id(), std::move(done),
      [&](Txn&, FetchJobRecord& record, TriggerFetchJobResponse* response) {
        *response->mutable_state() = StateOf(record, store.NowSeconds());
        record.set_next_run_seconds(store.NowSeconds());
        record.set_triggered(record.lease_until_seconds() > store.NowSeconds());
        return absl::OkStatus();
      });
}

void LeaseFetchJobs(Store& store, const LeaseFetchJobsRequest& request, Done<LeaseFetchJobsResponse> done) {
  const size_t limit = std::clamp<uint32_t>(request.max_jobs(), 1, kMaxJobsOfALease);
  const std::vector<JobKey> due = store.fetch_leases().TakeDue(limit, kMinLimit);
  if (due.empty()) return done(LeaseFetchJobsResponse());
  auto gathering = std::make_shared<Gathering>(std::move(done), due.size());  // shared by the commits
  for (const JobKey& key : due) {
    auto changed = std::make_shared<FetchJobRecord>();  // shared with the completion
    auto finished = [&store, key, changed, gathering](absl::StatusOr<LeaseFetchJobsResponse::Lease> lease) {
      // One that could not be leased comes up again after the time it is held back.
      if (lease.ok()) {
        store.fetch_leases().Set(key, *changed);
        absl::MutexLock lock(&gathering->mutex);
        *gathering->response.add_leases() = std::move(lease).value();
      } else if (absl::IsNotFound(lease.status())) {
        store.fetch_leases().Remove(key);
      }
      gathering->Finished();
    };
    MutateFound<LeaseFetchJobsResponse::Lease>(
        store, [&] { return store.FindAccountByNumber(key.account); }, 0, "", std::move(finished),
        [&](Txn& txn, LeaseFetchJobsResponse::Lease* lease, MutationOptions&) -> absl::Status {
          ASSIGN_OR_RETURN(*lease, LeaseOne(txn, key, request, changed.get()));
          return absl::OkStatus();
        });
  }
}

void RenewFetchLease(Store& store, const RenewFetchLeaseRequest& request, Done<RenewFetchLeaseResponse> done) {
  MutateJob<RenewFetchLeaseResponse>(
      store, request.job_id(), 0, "", std::move(done),
      [&](Txn& txn, FetchJobRecord& record, RenewFetchLeaseResponse*) -> absl::Status {
        RETURN_IF_ERROR(CheckFetchLease(txn, request.job_id(), request.lease_token()));
        record.set_lease_until_seconds(LeaseEnd(store, request.time_limit_seconds()));
        return absl::OkStatus();
      });
}

void FinishFetchRun(Store& store, const FinishFetchRunRequest& request, Done<FinishFetchRunResponse> done) {
  // Without an id: from a fetcher of the version before.
  const char letter = request.request_id().empty() ? char{0} : char{kFetchJobRequest};
  MutateJob<FinishFetchRunResponse>(
      store, request.job_id(), letter, request.request_id(), std::move(done),
      [&](Txn& txn, FetchJobRecord& record, FinishFetchRunResponse*) -> absl::Status {
        RETURN_IF_ERROR(CheckFetchLease(txn, request.job_id(), request.lease_token()));
        const int64_t now = store.NowSeconds();
        record.set_lease_until_seconds(0);
        record.clear_lease_holder();
        // A run that was asked for while this one was under way follows at once.
        const bool again = record.triggered();
        record.set_triggered(false);
        record.set_last_run_seconds(now);
        record.set_next_run_seconds(again ? now : now + std::min<int64_t>(request.next_run_in_seconds(), kMaxPause));
        const std::string& said = request.error().empty() ? request.note() : request.error();
        record.set_last_error(said.substr(0, kMaxError));
        record.set_messages_fetched(record.messages_fetched() + request.messages_fetched());
        record.set_consecutive_failures(request.error().empty() ? 0 : record.consecutive_failures() + 1);
        record.set_runs(record.runs() + 1);
        return absl::OkStatus();
      });
}

void ForgetSeenIds(Store& store, const ForgetSeenIdsRequest& request, Done<ForgetSeenIdsResponse> done) {
  const std::optional<JobKey> key = ParseJobId(request.job_id());
  if (!key) return done(FetchJobNotFound(request.job_id()));
  auto stage = [&](Txn& txn, ForgetSeenIdsResponse*, MutationOptions&) -> absl::Status {
    RETURN_IF_ERROR(CheckFetchLease(txn, request.job_id(), request.lease_token()));
    for (const std::string& id : request.remote_ids()) {
      txn.Delete(ColumnId::kSeenIds, keys::SeenId(key->account, key->job, id));
    }
    return absl::OkStatus();
  };
  MutationOptions options;
  options.commit.grows = false;
  MutateFound<ForgetSeenIdsResponse>(
      store, [&] { return store.FindAccountByNumber(key->account); }, kFetchJobRequest, request.request_id(),
      std::move(done), stage, options);
}

absl::StatusOr<ListFetchJobsResponse> ListFetchJobs(Store& store, const ListFetchJobsRequest& request) {
  const int limit = request.page_size() <= 0 ? 1000 : std::min(request.page_size(), kMaxPage);
  std::string lower;
  std::string upper;
  if (!request.account_id().empty()) {
    ASSIGN_OR_RETURN(const AccountPtr account, store.FindAccount(request.account_id()));
    lower = keys::Account(account->number());
    upper = kv::PrefixEnd(lower);
  }
  if (!request.page_token().empty()) {
    const std::optional<JobKey> after = ParseJobId(request.page_token());
    if (!after) return InvalidRequest("page_token");
    lower = std::max(lower, keys::Job(after->account, after->job + 1));
  }
  ListFetchJobsResponse response;
  auto it = store.db().NewIterator(store.column(ColumnId::kJobs), lower, upper);
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    if (response.jobs_size() >= limit) {
      response.set_next_page_token(response.jobs(limit - 1).job().job_id());
      break;
    }
    std::string_view key = it->key();
    const std::optional<AccountId> account = keys::TakeAccount(key);
    const std::optional<uint64_t> job = base::TakeBigEndian<uint64_t>(key);
    FetchJobRecord record;
    if (!account || !job || !record.ParseFromArray(it->value().data(), static_cast<int>(it->value().size()))) {
      return Damaged("fetch job");
    }
    auto* entry = response.add_jobs();
    *entry->mutable_job() = ToContract(JobKey{*account, *job}, record, request.with_credentials());
    *entry->mutable_state() = StateOf(record, store.NowSeconds());
  }
  RETURN_IF_ERROR(FromKv(it->status()));
  return response;
}

absl::StatusOr<ListSeenIdsResponse> ListSeenIds(Store& store, const ListSeenIdsRequest& request) {
  const std::optional<JobKey> key = ParseJobId(request.job_id());
  if (!key) return FetchJobNotFound(request.job_id());
  const int limit = request.page_size() <= 0 ? 1000 : std::min(request.page_size(), kMaxPage);
  const std::string prefix = keys::Job(key->account, key->job);
  std::string job;
  ASSIGN_OR_RETURN(const bool found, store.db().Get(store.column(ColumnId::kJobs), prefix, &job));
  if (!found) return FetchJobNotFound(request.job_id());
  // The least key after the token's.
  const std::string lower = request.page_token().empty() ? prefix : prefix + request.page_token() + '\0';
  ListSeenIdsResponse response;
  auto it = store.db().NewIterator(store.column(ColumnId::kSeenIds), lower, kv::PrefixEnd(prefix));
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    if (response.remote_ids_size() >= limit) {
      response.set_next_page_token(response.remote_ids(limit - 1));
      break;
    }
    response.add_remote_ids(std::string(it->key().substr(prefix.size())));
  }
  RETURN_IF_ERROR(FromKv(it->status()));
  return response;
}

}  // namespace mailmesh::mailbox_store
