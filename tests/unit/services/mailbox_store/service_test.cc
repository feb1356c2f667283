// The contract over real gRPC: streams, watches, uploads, errors.

#include <grpcpp/grpcpp.h>

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "common/net/io_pool.h"
#include "common/rpc/server.h"
#include "common/rpc/status.h"
#include "common/rpc/status_mapping.h"
#include "services/mailbox_store/rpc/fetch_job_service.h"
#include "services/mailbox_store/rpc/mailbox_service.h"
#include "tests/unit/services/mailbox_store/store_fixture.h"

namespace mailmesh::mailbox_store {
namespace {

using namespace mailbox::v1;  // NOLINT: the contract under test
using testing::ElementsAre;

class ServiceTest : public StoreFixture {
 protected:
  ServiceTest() {
    io_.Start();
    std::filesystem::permissions(folder_, std::filesystem::perms::owner_all);
    rpc::ServerOptions options;
    options.endpoint = "unix:" + folder_ + "/grpc.sock";
    auto server = rpc::Server::Start(options, {&mailboxes_, &jobs_});
    EXPECT_TRUE(server.ok()) << server.status();
    server_ = std::move(server).value();
    auto channel = grpc::CreateChannel(options.endpoint, grpc::InsecureChannelCredentials());
    stub_ = MailboxService::NewStub(channel);
    job_stub_ = fetch::v1::FetchJobService::NewStub(channel);
  }
  ~ServiceTest() override {
    server_->Shutdown(absl::Now() + absl::Seconds(5));
    server_.reset();
    changes_.Shutdown();
    reads_.Shutdown();
    io_.Stop();
  }

  static std::unique_ptr<grpc::ClientContext> Context() {
    auto context = std::make_unique<grpc::ClientContext>();
    context->set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
    return context;
  }

  net::IoPool io_{2};
  base::WorkerPool changes_{{.name = "changes", .threads = 2}};
  base::WorkerPool reads_{{.name = "reads", .threads = 2}};
  MailboxServiceImpl mailboxes_{ServiceParts{*store_, io_, changes_, reads_}};
  FetchJobServiceImpl jobs_{ServiceParts{*store_, io_, changes_, reads_}, [] { return false; }};
  std::unique_ptr<rpc::Server> server_;
  std::unique_ptr<MailboxService::Stub> stub_;
  std::unique_ptr<fetch::v1::FetchJobService::Stub> job_stub_;
};

TEST_F(ServiceTest, UploadDeliverAndStreamBack) {
  std::string octets = Message("large", "");
  while (octets.size() < 1'500'000) octets += "0123456789012345678901234567890123456789\r\n";
  auto context = Context();
  UploadBodyResponse uploaded;
  auto upload = stub_->UploadBody(context.get(), &uploaded);
  for (size_t at = 0; at < octets.size(); at += kChunkSize) {
    UploadBodyRequest chunk;
    chunk.mutable_chunk()->set_octets(octets.substr(at, kChunkSize));
    ASSERT_TRUE(upload->Write(chunk));
  }
  upload->WritesDone();
  const grpc::Status finished = upload->Finish();
  ASSERT_TRUE(finished.ok()) << finished.error_message();
  EXPECT_EQ(uploaded.size_bytes(), octets.size());

  DeliverMessageRequest request = Delivery({"ann"}, "");
  request.mutable_body()->set_upload_id(uploaded.upload_id());
  DeliverMessageResponse delivered;
  ASSERT_TRUE(stub_->DeliverMessage(Context().get(), request, &delivered).ok());
  EXPECT_EQ(delivered.results(0).uid(), 1u);

  FetchContentRequest fetch;
  fetch.set_account_id("ann");
  fetch.set_mailbox_id(delivered.results(0).mailbox_id());
  UidSet::Single(1, 1).ToProto(fetch.mutable_uids());
  fetch.add_selectors();
  context = Context();
  auto reader = stub_->FetchContent(context.get(), fetch);
  FetchContentResponse response;
  std::string read;
  while (reader->Read(&response)) {
    for (const ContentChunk& chunk : response.chunks()) read += chunk.octets();
  }
  ASSERT_TRUE(reader->Finish().ok());
  EXPECT_EQ(read, octets);
}

TEST_F(ServiceTest, ErrorsCarryTheirReason) {
  OpenMailboxRequest request;
  request.set_account_id("ann");
  request.set_mailbox("nowhere");
  OpenMailboxResponse response;
  const absl::Status status = rpc::FromGrpc(stub_->OpenMailbox(Context().get(), request, &response));
  EXPECT_TRUE(rpc::HasReason(status, type::v1::ERROR_REASON_MAILBOX_NOT_FOUND)) << status;
}

TEST_F(ServiceTest, AWatchCatchesUpAndThenFollows) {
  Deliver("ann", Message("a"));
  const auto inbox = OpenBox("ann", "INBOX");
  auto context = Context();
  auto watch = stub_->WatchMailboxes(context.get());
  WatchMailboxesRequest request;
  request.mutable_subscribe()->set_watch_id(7);
  request.mutable_subscribe()->set_account_id("ann");
  request.mutable_subscribe()->set_mailbox_id(inbox.mailbox_id());
  request.mutable_subscribe()->set_incarnation(inbox.incarnation());
  ASSERT_TRUE(watch->Write(request));
  std::map<uint32_t, Flags> view;
  uint64_t modseq = 0;
  auto follow_until = [&](uint64_t target) {
    WatchMailboxesResponse response;
    while (modseq < target && watch->Read(&response)) {
      if (!response.has_change()) continue;
      const ViewChange& change = response.change();
      EXPECT_EQ(change.watch_id(), 7u);
      EXPECT_GE(change.modseq(), modseq);
      modseq = change.modseq();
      const auto expunged = UidSet::FromProto(change.expunged());
      for (const UidSet::Range& range : expunged->ranges()) {
        view.erase(view.lower_bound(range.first), view.upper_bound(range.last));
      }
      uint32_t uid = 0;
      for (int i = 0; i < change.messages().uid_deltas_size(); ++i) {
        uid += change.messages().uid_deltas(i);
        view[uid] = change.messages().flags(i);
      }
    }
  };
  follow_until(Status("ann", "INBOX").highest_modseq());
  EXPECT_EQ(view, View("ann", "INBOX"));
  for (int i = 0; i < 50; ++i) Deliver("ann", Message(absl::StrCat("m", i)));
  ASSERT_TRUE(Flag("ann", "INBOX", UidSet::Single(1, 20), StoreFlagsRequest::MODE_ADD, kDeleted).ok());
  ASSERT_TRUE(Expunge("ann", "INBOX").ok());
  follow_until(Status("ann", "INBOX").highest_modseq());
  EXPECT_EQ(view, View("ann", "INBOX"));
  EXPECT_EQ(view.size(), 31u);
  EXPECT_EQ(store().hub().subscribers(), 1u);
  watch->WritesDone();
  WatchMailboxesResponse rest;
  while (watch->Read(&rest)) {
  }
  EXPECT_TRUE(watch->Finish().ok());
  EXPECT_EQ(store().hub().subscribers(), 0u);
}

TEST_F(ServiceTest, AWatchEndsWithItsMailboxOrAnotherIncarnation) {
  ASSERT_TRUE(Create("ann", "box").ok());
  const auto box = OpenBox("ann", "box");
  auto context = Context();
  auto watch = stub_->WatchMailboxes(context.get());
  WatchMailboxesRequest request;
  request.mutable_subscribe()->set_watch_id(1);
  request.mutable_subscribe()->set_account_id("ann");
  request.mutable_subscribe()->set_mailbox_id(box.mailbox_id());
  request.mutable_subscribe()->set_after_modseq(box.highest_modseq());
  ASSERT_TRUE(watch->Write(request));
  request.mutable_subscribe()->set_watch_id(2);
  request.mutable_subscribe()->set_incarnation("another");
  ASSERT_TRUE(watch->Write(request));
  std::map<uint64_t, WatchMailboxesResponse::Ended::Cause> ended;
  WatchMailboxesResponse response;
  auto read_end = [&] {
    while (watch->Read(&response)) {
      if (!response.has_ended()) continue;
      ended[response.ended().watch_id()] = response.ended().cause();
      return;
    }
  };
  read_end();
  EXPECT_EQ(ended[2], WatchMailboxesResponse::Ended::CAUSE_READ_AGAIN);
  DeleteMailboxRequest remove;
  remove.set_request_id("x");
  remove.set_account_id("ann");
  remove.set_mailbox("box");
  ASSERT_TRUE(Wait(store(), &DeleteMailbox, remove).ok());
  read_end();
  EXPECT_EQ(ended[1], WatchMailboxesResponse::Ended::CAUSE_MAILBOX_DELETED);
  context->TryCancel();
  EXPECT_FALSE(watch->Finish().ok());
}

TEST_F(ServiceTest, WhatCannotBeReadOfOneMailboxEndsItsWatchAlone) {
  Deliver("ann", Message("a"));
  Deliver("bert", Message("b"));
  const auto damaged = OpenBox("ann", "INBOX");
  const auto whole = OpenBox("bert", "INBOX");
  Deliver("ann", Message("c"));
  Deliver("bert", Message("d"));
  const std::string key = keys::Change((*store().FindAccount("ann"))->number(), *ParseMailboxId(damaged.mailbox_id()),
                                       ChangeKind::kChanged, ModSeq(damaged.highest_modseq() + 1));
  kv::Commit commit;
  commit.batch.Put(store().column(ColumnId::kChanges), key, "\xff");
  ASSERT_TRUE(store().pipeline().Write(std::move(commit)).ok());
  auto context = Context();
  auto watch = stub_->WatchMailboxes(context.get());
  const auto subscribe = [&](uint64_t watch_id, const char* account, const OpenMailboxResponse& box) {
    WatchMailboxesRequest request;
    request.mutable_subscribe()->set_watch_id(watch_id);
    request.mutable_subscribe()->set_account_id(account);
    request.mutable_subscribe()->set_mailbox_id(box.mailbox_id());
    request.mutable_subscribe()->set_after_modseq(box.highest_modseq());
    return watch->Write(request);
  };
  ASSERT_TRUE(subscribe(1, "ann", damaged));
  ASSERT_TRUE(subscribe(2, "bert", whole));
  std::map<uint64_t, WatchMailboxesResponse::Ended::Cause> ended;
  bool followed = false;
  WatchMailboxesResponse response;
  while ((ended.empty() || !followed) && watch->Read(&response)) {
    if (response.has_ended()) ended[response.ended().watch_id()] = response.ended().cause();
    if (response.has_change() && response.change().watch_id() == 2) followed = true;
  }
  EXPECT_TRUE(followed);
  EXPECT_EQ(ended[1], WatchMailboxesResponse::Ended::CAUSE_READ_AGAIN);
  context->TryCancel();
  EXPECT_FALSE(watch->Finish().ok());
}

TEST_F(ServiceTest, AWatchEndsWhenTheServerDrains) {
  auto context = Context();
  auto watch = stub_->WatchMailboxes(context.get());
  WatchMailboxesRequest request;
  request.mutable_subscribe()->set_watch_id(1);
  request.mutable_subscribe()->set_account_id("ann");
  request.mutable_subscribe()->set_mailbox_id(IdOf("ann", "INBOX"));
  ASSERT_TRUE(watch->Write(request));
  WatchMailboxesResponse response;
  ASSERT_TRUE(watch->Read(&response));
  server_->Drain();
  while (watch->Read(&response)) {
  }
  const absl::Status status = rpc::FromGrpc(watch->Finish());
  EXPECT_TRUE(rpc::HasReason(status, type::v1::ERROR_REASON_SHUTTING_DOWN)) << status;
}

TEST_F(ServiceTest, ALeaseWaitsForAJob) {
  fetch::v1::LeaseFetchJobsRequest request;
  request.set_holder("f");
  request.set_max_jobs(1);
  request.set_time_limit_seconds(30);
  request.set_wait_seconds(20);
  fetch::v1::LeaseFetchJobsResponse leased;
  std::thread waiting([&] { EXPECT_TRUE(job_stub_->LeaseFetchJobs(Context().get(), request, &leased).ok()); });
  fetch::v1::CreateFetchJobRequest create;
  create.set_request_id("j");
  create.mutable_job()->set_account_id("ann");
  create.mutable_job()->set_protocol(fetch::v1::REMOTE_PROTOCOL_POP3);
  create.mutable_job()->set_host("h");
  create.mutable_job()->set_port(110);
  create.mutable_job()->set_tls(fetch::v1::REMOTE_TLS_STARTTLS);
  create.mutable_job()->set_interval_seconds(60);
  fetch::v1::CreateFetchJobResponse created;
  ASSERT_TRUE(job_stub_->CreateFetchJob(Context().get(), create, &created).ok());
  waiting.join();
  ASSERT_EQ(leased.leases_size(), 1);
  EXPECT_EQ(leased.leases(0).job().job_id(), created.job_id());
}

TEST_F(ServiceTest, ViewsAndSummariesStream) {
  for (int i = 0; i < 30; ++i) Deliver("ann", Message(absl::StrCat("m", i)));
  ReadViewRequest view;
  view.set_account_id("ann");
  view.set_mailbox_id(IdOf("ann", "INBOX"));
  auto context = Context();
  auto reader = stub_->ReadView(context.get(), view);
  ReadViewResponse page;
  int messages = 0;
  while (reader->Read(&page)) messages += page.page().uid_deltas_size();
  ASSERT_TRUE(reader->Finish().ok());
  EXPECT_EQ(messages, 30);
  EXPECT_EQ(page.uid_next(), 31u);
  EXPECT_EQ(page.incarnation(), store().incarnation());
  FetchSummariesRequest summaries;
  summaries.set_account_id("ann");
  summaries.set_mailbox_id(view.mailbox_id());
  UidSet::Single(3, 5).ToProto(summaries.mutable_uids());
  summaries.set_envelope(true);
  context = Context();
  auto stream = stub_->FetchSummaries(context.get(), summaries);
  FetchSummariesResponse response;
  std::vector<uint32_t> uids;
  while (stream->Read(&response)) {
    for (const MessageSummary& summary : response.summaries()) uids.push_back(summary.uid());
  }
  ASSERT_TRUE(stream->Finish().ok());
  EXPECT_THAT(uids, ElementsAre(3, 4, 5));
}

}  // namespace
}  // namespace mailmesh::mailbox_store
