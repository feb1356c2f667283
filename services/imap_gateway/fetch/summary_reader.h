// Summaries of messages, one after the other in ascending UID order, from one FetchSummaries call.
//
// When the store goes away in the middle, the call is made again for what is left.
// Thread-safety: none. RFC 3501, 6.4.5.
#ifndef MAILMESH_SERVICES_IMAP_GATEWAY_FETCH_SUMMARY_READER_H_
#define MAILMESH_SERVICES_IMAP_GATEWAY_FETCH_SUMMARY_READER_H_

#include <optional>

#include "absl/status/statusor.h"
#include "common/imap/sequence_set.h"
#include "common/net/awaitable.h"
#include "common/rpc/client_stream.h"
#include "mailmesh/mailbox/v1/mailbox_service.grpc.pb.h"
#include "services/imap_gateway/store_calls.h"

namespace mailmesh::imap_gateway {

class SummaryReader {
 public:
  // `request` says what is wanted; its account and UIDs are filled in. `calls` is borrowed.
  SummaryReader(StoreCalls& calls, mailbox::v1::FetchSummariesRequest request, imap::SequenceSet uids);

  // Goes to the summary of `uid`, which must ascend from call to call; null: the message is gone. Valid until the next
  // call.
  net::Awaitable<absl::StatusOr<const mailbox::v1::MessageSummary*>> Find(uint32_t uid);

 private:
  net::Awaitable<absl::Status> Advance();
  net::Awaitable<absl::Status> Start();

  StoreCalls& calls_;
  mailbox::v1::FetchSummariesRequest request_;
  const imap::SequenceSet uids_;
  std::shared_ptr<StoreCalls::Stub> stub_;  // shared with other calls
  std::optional<rpc::ServerStream<mailbox::v1::FetchSummariesResponse>> stream_;
  mailbox::v1::FetchSummariesResponse packet_;
  int next_ = 0;
  bool ended_ = false;
  int failures_ = 0;
  uint32_t last_uid_ = 0;  // of the last summary taken
  const mailbox::v1::MessageSummary* current_ = nullptr;  // in packet_
};

}  // namespace mailmesh::imap_gateway

#endif  // MAILMESH_SERVICES_IMAP_GATEWAY_FETCH_SUMMARY_READER_H_
