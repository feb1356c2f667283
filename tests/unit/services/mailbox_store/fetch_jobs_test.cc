// Fetch jobs: leases with fencing tokens, and appends that happen exactly once.

#include "common/rpc/status.h"
#include "services/mailbox_store/engine/fetch_leases.h"
#include "tests/unit/services/mailbox_store/store_fixture.h"

namespace mailmesh::mailbox_store {
namespace {

using namespace fetch::v1;  // NOLINT: the contract under test
using testing::ElementsAre;

class FetchJobsTest : public StoreFixture {
 protected:
  std::string MakeJob() {
    CreateFetchJobRequest request;
    request.set_request_id(NewRequestId());
    FetchJob* job = request.mutable_job();
    job->set_account_id("ann");
    job->set_protocol(REMOTE_PROTOCOL_POP3);
    job->set_host("pop.example.org");
    job->set_port(995);
    job->set_tls(REMOTE_TLS_IMPLICIT);
    job->set_user("ann");
    job->set_sealed_credential("sealed");
    job->set_interval_seconds(60);
    const auto response = Wait(store(), &CreateFetchJob, request);
    EXPECT_TRUE(response.ok()) << response.status();
    return response.ok() ? response->job_id() : "";
  }
  LeaseFetchJobsResponse Lease() {
    LeaseFetchJobsRequest request;
    request.set_holder("fetcher.0");
    request.set_max_jobs(10);
    request.set_time_limit_seconds(30);
    const auto response = Wait(store(), &LeaseFetchJobs, request);
    EXPECT_TRUE(response.ok()) << response.status();
    return response.value_or(LeaseFetchJobsResponse());
  }
  absl::StatusOr<mailbox::v1::AppendMessagesResponse> FencedAppend(const std::string& job, uint64_t token,
                                                                   const std::vector<std::string>& remote_ids) {
    mailbox::v1::AppendMessagesRequest request;
    request.set_request_id(NewRequestId());
    request.set_account_id("ann");
    request.set_mailbox("INBOX");
    request.mutable_fence()->set_job_id(job);
    request.mutable_fence()->set_lease_token(token);
    for (const std::string& id : remote_ids) {
      request.mutable_fence()->add_remote_ids(id);
      request.add_messages()->mutable_body()->set_inline_octets(Message(id));
    }
    return Wait(store(), &AppendMessages, request);
  }
  absl::Status Finish(const std::string& job, uint64_t token, const std::string& error = "") {
    FinishFetchRunRequest request;
    request.set_job_id(job);
    request.set_lease_token(token);
    request.set_error(error);
    request.set_messages_fetched(2);
    request.set_next_run_in_seconds(60);
    return Wait(store(), &FinishFetchRun, request).status();
  }
};

TEST_F(FetchJobsTest, AJobIsLeasedToOneAtATime) {
  const std::string job = MakeJob();
  const auto first = Lease();
  ASSERT_EQ(first.leases_size(), 1);
  EXPECT_EQ(first.leases(0).job().sealed_credential(), "sealed");
  EXPECT_EQ(Lease().leases_size(), 0);
  clock_.Advance(absl::Seconds(31));
  const auto second = Lease();
  ASSERT_EQ(second.leases_size(), 1);
  EXPECT_GT(second.leases(0).lease_token(), first.leases(0).lease_token());
  EXPECT_TRUE(rpc::HasReason(Finish(job, first.leases(0).lease_token()), type::v1::ERROR_REASON_LEASE_LOST));
  Crash();
  EXPECT_EQ(Lease().leases_size(), 0);  // the lease is still valid
  ASSERT_TRUE(Finish(job, second.leases(0).lease_token(), "no route").ok());
  ListFetchJobsRequest list;
  const auto jobs = ListFetchJobs(store(), list);
  ASSERT_TRUE(jobs.ok());
  ASSERT_EQ(jobs->jobs_size(), 1);
  EXPECT_EQ(jobs->jobs(0).state().last_error(), "no route");
  EXPECT_EQ(jobs->jobs(0).state().runs(), 1u);
  EXPECT_EQ(jobs->jobs(0).state().consecutive_failures(), 1u);
  EXPECT_TRUE(jobs->jobs(0).job().sealed_credential().empty());
  EXPECT_EQ(Lease().leases_size(), 0);
  TriggerFetchJobRequest trigger;
  trigger.set_request_id(NewRequestId());
  trigger.set_job_id(job);
  EXPECT_EQ(Wait(store(), &TriggerFetchJob, trigger)->state().runs(), 1u);
  EXPECT_EQ(Lease().leases_size(), 1);
}

TEST_F(FetchJobsTest, ANoteIsNoFailure) {
  const std::string job = MakeJob();
  const auto finish = [&](const std::string& error, const std::string& note) {
    FinishFetchRunRequest request;
    request.set_request_id(NewRequestId());
    request.set_job_id(job);
    request.set_lease_token(Lease().leases(0).lease_token());
    request.set_error(error);
    request.set_note(note);
    request.set_messages_fetched(2);
    EXPECT_TRUE(Wait(store(), &FinishFetchRun, request).ok());
    return ListFetchJobs(store(), ListFetchJobsRequest())->jobs(0).state();
  };
  EXPECT_EQ(finish("no route", "").consecutive_failures(), 1u);
  const auto noted = finish("", "3 messages are too large");
  EXPECT_EQ(noted.consecutive_failures(), 0u);
  EXPECT_EQ(noted.last_error(), "3 messages are too large");
  EXPECT_EQ(finish("no route", "").consecutive_failures(), 1u);
  const auto well = finish("", "");
  EXPECT_EQ(well.consecutive_failures(), 0u);
  EXPECT_EQ(well.last_error(), "");
}

TEST_F(FetchJobsTest, ARunsEndThatIsToldTwiceCountsOnce) {
  const std::string job = MakeJob();
  FinishFetchRunRequest request;
  request.set_request_id(NewRequestId());
  request.set_job_id(job);
  request.set_lease_token(Lease().leases(0).lease_token());
  request.set_messages_fetched(2);
  request.set_next_run_in_seconds(60);
  ASSERT_TRUE(Wait(store(), &FinishFetchRun, request).ok());
  // Its answer was lost: the lease is gone by now, and it is well all the same.
  Crash();
  EXPECT_TRUE(Wait(store(), &FinishFetchRun, request).ok());
  const auto state = ListFetchJobs(store(), ListFetchJobsRequest())->jobs(0).state();
  EXPECT_EQ(state.runs(), 1u);
  EXPECT_EQ(state.messages_fetched(), 2u);
}

TEST_F(FetchJobsTest, AMessageIsAppendedOnce) {
  const std::string job = MakeJob();
  const uint64_t token = Lease().leases(0).lease_token();
  EXPECT_THAT(FencedAppend(job, token, {"u1", "u2"})->uids(), ElementsAre(1, 2));
  EXPECT_THAT(FencedAppend(job, token, {"u2", "u3"})->uids(), ElementsAre(0, 3));
  Crash();
  EXPECT_THAT(FencedAppend(job, token, {"u3"})->uids(), ElementsAre(0));
  ListSeenIdsRequest list;
  list.set_job_id(job);
  list.set_page_size(2);
  auto seen = ListSeenIds(store(), list);
  ASSERT_TRUE(seen.ok());
  EXPECT_THAT(seen->remote_ids(), ElementsAre("u1", "u2"));
  list.set_page_token(seen->next_page_token());
  seen = ListSeenIds(store(), list);
  EXPECT_THAT(seen->remote_ids(), ElementsAre("u3"));
  EXPECT_TRUE(seen->next_page_token().empty());
  ForgetSeenIdsRequest forget;
  forget.set_request_id(NewRequestId());
  forget.set_job_id(job);
  forget.set_lease_token(token);
  forget.add_remote_ids("u1");
  ASSERT_TRUE(Wait(store(), &ForgetSeenIds, forget).ok());
  EXPECT_THAT(FencedAppend(job, token, {"u1"})->uids(), ElementsAre(4));
  EXPECT_TRUE(rpc::HasReason(FencedAppend(job, token + 1, {"x"}).status(), type::v1::ERROR_REASON_LEASE_LOST));
  clock_.Advance(absl::Seconds(31));
  EXPECT_TRUE(rpc::HasReason(FencedAppend(job, token, {"x"}).status(), type::v1::ERROR_REASON_LEASE_LOST));
}

TEST_F(FetchJobsTest, ADeletedJobIsForgotten) {
  const std::string job = MakeJob();
  const uint64_t token = Lease().leases(0).lease_token();
  ASSERT_TRUE(FencedAppend(job, token, {"u1"}).ok());
  DeleteFetchJobRequest request;
  request.set_request_id(NewRequestId());
  request.set_job_id(job);
  ASSERT_TRUE(Wait(store(), &DeleteFetchJob, request).ok());
  ASSERT_TRUE(Wait(store(), &DeleteFetchJob, request).ok());
  EXPECT_EQ(store().fetch_leases().count(), 0u);
  EXPECT_EQ(CountKeys(ColumnId::kSeenIds), 0u);
  EXPECT_TRUE(absl::IsNotFound(FencedAppend(job, token, {"u2"}).status()));
  EXPECT_NE(MakeJob(), job);
}

}  // namespace
}  // namespace mailmesh::mailbox_store
