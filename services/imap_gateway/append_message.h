// Takes one message of APPEND as its octets arrive: a small one is kept, a large one is written ahead to the store
// (UploadBody) while it comes. Never more than two chunks in memory.
// Thread-safety: none. RFC 3501, 6.3.11.
#ifndef MAILMESH_SERVICES_IMAP_GATEWAY_APPEND_MESSAGE_H_
#define MAILMESH_SERVICES_IMAP_GATEWAY_APPEND_MESSAGE_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/net/awaitable.h"
#include "common/rpc/client_stream.h"
#include "mailmesh/mailbox/v1/mailbox_service.grpc.pb.h"
#include "services/imap_gateway/store_calls.h"

namespace mailmesh::imap_gateway {

// mailbox.v1: what a request may carry, and a chunk of an upload.
inline constexpr size_t kMaxInline = 256 * 1024;

class MessageIntake {
 public:
  // `size` is what was announced; `may_inline` is false where a request carries enough already. `calls` is borrowed.
  MessageIntake(StoreCalls& calls, uint64_t size, bool may_inline)
      : calls_(calls), upload_(size > kMaxInline || !may_inline) {}

  net::Awaitable<absl::Status> Add(std::string_view octets);
  // Complete: the body for AppendMessages.
  net::Awaitable<absl::StatusOr<type::v1::MessageBody>> Finish();

 private:
  using Stream = rpc::ClientStream<mailbox::v1::UploadBodyRequest, mailbox::v1::UploadBodyResponse>;

  net::Awaitable<absl::Status> Send();

  StoreCalls& calls_;
  const bool upload_;
  std::string buffer_;
  std::shared_ptr<StoreCalls::Stub> stub_;  // shared with other calls
  std::optional<Stream> stream_;
};

}  // namespace mailmesh::imap_gateway

#endif  // MAILMESH_SERVICES_IMAP_GATEWAY_APPEND_MESSAGE_H_
