// Octets of messages, in ascending UID order and for each in the order of the selectors, from one FetchContent call. One
// message alone, which most often is small, comes by GetContent, which costs less than a stream.
//
// When the store goes away in the middle, the call is made again from the octet where it broke off, so that a literal
// whose length has been announced can be completed.
// Flow: for each message: Open(uid) -> false: gone; then for each selector: Section() and Read() until empty.
// Thread-safety: none. RFC 3501, 6.4.5.
#ifndef MAILMESH_SERVICES_IMAP_GATEWAY_FETCH_CONTENT_READER_H_
#define MAILMESH_SERVICES_IMAP_GATEWAY_FETCH_CONTENT_READER_H_

#include <deque>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/imap/sequence_set.h"
#include "common/net/awaitable.h"
#include "common/rpc/client_stream.h"
#include "mailmesh/mailbox/v1/mailbox_service.grpc.pb.h"
#include "services/imap_gateway/store_calls.h"

namespace mailmesh::imap_gateway {

class ContentReader {
 public:
  // `calls` is borrowed.
  ContentReader(StoreCalls& calls, std::string mailbox_id, imap::SequenceSet uids,
                std::vector<mailbox::v1::ContentSelector> selectors);

  // Goes to message `uid`, which must ascend from call to call; false: it is gone.
  net::Awaitable<absl::StatusOr<bool>> Open(uint32_t uid);

  struct Section {
    bool missing = false;  // there is no such part: NIL
    uint64_t size = 0;
  };
  // Goes to the next selector of the open message.
  net::Awaitable<absl::StatusOr<Section>> OpenSection(size_t selector);
  // The next octets of the open section; empty: it is complete. Valid until the next call.
  net::Awaitable<absl::StatusOr<std::string_view>> Read();

 private:
  using Stream = rpc::ServerStream<mailbox::v1::FetchContentResponse>;
  // A call to make: `uids` with the selectors from number `base` on, the first of them from octet `skip` on.
  struct Piece {
    imap::SequenceSet uids;
    size_t base = 0;
    uint64_t skip = 0;
  };

  net::Awaitable<absl::Status> Advance();
  net::Awaitable<absl::Status> Start();
  net::Awaitable<absl::Status> ReadStream();
  net::Awaitable<absl::Status> GetOne();
  mailbox::v1::ContentSelector SelectorOf(const Piece& piece, size_t index) const;
  bool TakesOne() const;
  void PlanRest();
  void Note();

  StoreCalls& calls_;
  const std::string mailbox_id_;
  const imap::SequenceSet uids_;
  const std::vector<mailbox::v1::ContentSelector> selectors_;
  std::deque<Piece> pieces_;
  std::shared_ptr<StoreCalls::Stub> stub_;  // shared with other calls
  std::optional<Stream> stream_;
  mailbox::v1::FetchContentResponse packet_;
  int next_ = 0;
  int failures_ = 0;
  bool got_one_ = false;     // packet_ is GetContent's answer
  bool more_ = false;        // and there is more than it has
  bool streams_only_ = false;
  const mailbox::v1::ContentChunk* current_ = nullptr;  // in packet_; null: the end
  bool current_used_ = true;

  // Where we are: what current_ has brought us to.
  uint32_t uid_ = 0;
  size_t selector_ = 0;
  uint64_t size_ = 0;
  uint64_t received_ = 0;
  bool complete_ = true;
};

}  // namespace mailmesh::imap_gateway

#endif  // MAILMESH_SERVICES_IMAP_GATEWAY_FETCH_CONTENT_READER_H_
