// One account's maildrop as a POP3 session sees it: the messages that were in INBOX at log-in, locked for this session
// (RFC 1939, 4), deletions kept here until QUIT (RFC 1939, 6).
//
// Thread-safety: none; belongs to one session's executor. Errors: as the store answers, with its reason (common/rpc).
#ifndef MAILMESH_SERVICES_POP3_GATEWAY_MAILDROP_H_
#define MAILMESH_SERVICES_POP3_GATEWAY_MAILDROP_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/net/awaitable.h"
#include "common/rpc/client_stream.h"
#include "mailmesh/mailbox/v1/mailbox_service.grpc.pb.h"

namespace mailmesh::pop3_gateway {

struct MaildropMessage {
  uint32_t uid = 0;
  uint64_t size_bytes = 0;
  bool deleted = false;
};

class Maildrop {
 public:
  // Takes the lease. FailedPrecondition/IN_USE while another session has it.
  static net::Awaitable<absl::StatusOr<std::unique_ptr<Maildrop>>> Open(std::shared_ptr<grpc::Channel> store,
                                                                        std::string account_id, std::string correlation_id);
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

  // Extends the lease when it is due; cheap otherwise. LEASE_LOST when another session has taken it meanwhile.
  net::Awaitable<absl::Status> KeepLease();
  // Removes what is marked and gives the lease back. After an error nothing may be assumed removed.
  net::Awaitable<absl::Status> Commit();
  // Gives the lease back.
  net::Awaitable<void> Release();

 private:
  using Stub = mailbox::v1::MailboxService::Stub;
  using ContentStream = rpc::ServerStream<mailbox::v1::FetchContentResponse>;

  Maildrop(std::shared_ptr<grpc::Channel> store, std::string account_id, std::string correlation_id);
  // Fills messages_ under the lease.
  net::Awaitable<absl::Status> List();
  void StartStream(uint64_t number, std::optional<uint32_t> top_lines, bool ahead);
  // Makes chunk_ the next chunk of the stream; false at the stream's end.
  net::Awaitable<absl::StatusOr<bool>> NextChunk();

  std::unique_ptr<Stub> stub_;
  std::string account_id_;
  std::string correlation_id_;
  std::string lease_id_;
  std::string mailbox_id_;
  uint32_t uid_validity_ = 0;
  std::vector<MaildropMessage> messages_;
  uint64_t remaining_count_ = 0;
  uint64_t remaining_bytes_ = 0;
  net::TimePoint renew_at_;
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
