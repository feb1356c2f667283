// One account's maildrop as a POP3 session sees it: the messages that were in INBOX at log-in, locked for this session
// (RFC 1939, 4), deletions kept here until QUIT (RFC 1939, 6).
//
// Thread-safety: none; belongs to one session's executor. Errors: as the store answers, with its reason (common/rpc).
#ifndef MAILMESH_SERVICES_POP3_GATEWAY_MAILDROP_H_
#define MAILMESH_SERVICES_POP3_GATEWAY_MAILDROP_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/net/awaitable.h"
#include "common/rpc/client_stream.h"
#include "common/rpc/lease_keeper.h"
#include "common/telemetry/trace.h"
#include "mailmesh/mailbox/v1/mailbox_service.grpc.pb.h"

namespace mailmesh::pop3_gateway {

struct MaildropMessage {
  uint32_t uid = 0;
  uint64_t size_bytes = 0;
  bool deleted = false;
};

class Maildrop {
 public:
  struct Options {
    std::string account_id;
    telemetry::Trace trace;
    std::chrono::seconds login_delay{};  // RFC 2449, 6.5; zero: none
    std::function<void()> on_lease_lost;
  };
  // Takes the lease, which is renewed from then on, whatever the session waits for. FailedPrecondition/IN_USE while another
  // session has it; ResourceExhausted/LIMIT when the last log-in was less than `login_delay` ago, through whatever gateway.
  static net::Awaitable<absl::StatusOr<std::unique_ptr<Maildrop>>> Open(std::shared_ptr<grpc::Channel> store, Options options);
  ~Maildrop();

  // Messages 1..count(); numbers hold for the session.
  size_t count() const { return messages_.size(); }
  // Nothing for a number that is not there, or was marked as deleted.
  const MaildropMessage* Find(uint64_t number) const;
  // Unique over the mailbox's life (RFC 1939, 7): UIDVALIDITY and UID.
  std::string UniqueId(const MaildropMessage& message) const;
  // Of those not marked as deleted.
  uint64_t remaining_count() const { return remaining_count_; }
  uint64_t remaining_bytes() const { return remaining_bytes_; }

  void MarkDeleted(uint64_t number);
  void UnmarkAll();

  // Opens message `number` for reading; with `top_lines`, its header and that many lines of its body (TOP).
  // A client that reads one message after the other is served from one stream: the store reads ahead as far as flow
  // control lets it (256 KiB), so that a client that waits for each message waits for no round trip of ours.
  net::Awaitable<absl::Status> OpenMessage(uint64_t number, std::optional<uint32_t> top_lines);
  // The next octets of the open message; empty at its end. The view is valid until the next call.
  net::Awaitable<absl::StatusOr<std::string_view>> ReadMessage();

  // Another session has taken the maildrop meanwhile, because the store did not hear of this one for long.
  bool lease_lost() const { return keeper_ != nullptr && keeper_->lost(); }
  // Removes what is marked and gives the lease back. After an error nothing may be assumed removed.
  net::Awaitable<absl::Status> Commit();
  // Gives the lease back.
  net::Awaitable<void> Release();

 private:
  using Stub = mailbox::v1::MailboxService::Stub;
  using ContentStream = rpc::ServerStream<mailbox::v1::FetchContentResponse>;

  Maildrop(std::shared_ptr<grpc::Channel> store, Options options);
  void StartLease(net::Executor executor, std::function<void()> on_lost);
  // Stops renewing.
  void EndLease();
  // Fills messages_ under the lease.
  net::Awaitable<absl::Status> List();
  void StartStream(uint64_t number, std::optional<uint32_t> top_lines, bool ahead);
  // Makes chunk_ the next chunk of the stream; false at the stream's end.
  net::Awaitable<absl::StatusOr<bool>> NextChunk();

  std::shared_ptr<Stub> stub_;  // shared with a renewal under way
  std::string account_id_;
  telemetry::Trace trace_;
  std::string lease_id_;
  std::string mailbox_id_;
  uint32_t uid_validity_ = 0;
  std::vector<MaildropMessage> messages_;
  uint64_t remaining_count_ = 0;
  uint64_t remaining_bytes_ = 0;
  std::shared_ptr<rpc::LeaseKeeper> keeper_;  // shared with its coroutine
  bool released_ = false;

  std::optional<ContentStream> stream_;
  mailbox::v1::FetchContentResponse packet_;
  int next_chunk_ = 0;
  const mailbox::v1::ContentChunk* chunk_ = nullptr;  // in packet_; not handed out yet
  uint32_t open_uid_ = 0;       // of the message that is being read
  bool message_ended_ = true;
  uint64_t last_number_ = 0;    // last RETR
  bool stream_ahead_ = false;   // stream_ goes on with the messages after it
};

}  // namespace mailmesh::pop3_gateway

#endif  // MAILMESH_SERVICES_POP3_GATEWAY_MAILDROP_H_
