// Takes a message's content as it comes in. Up to 256 KiB it is kept; what is larger streams to every process that will get a
// copy (UploadBody), so that memory is bounded whatever the size.
//
// Flow: Append()* Finish(), then BodyFor(destination). Thread-safety: none.
#ifndef MAILMESH_SERVICES_SMTP_INGRESS_BODY_SINK_H_
#define MAILMESH_SERVICES_SMTP_INGRESS_BODY_SINK_H_

#include <absl/status/status.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/mime/header.h"
#include "common/net/awaitable.h"
#include "common/rpc/client_stream.h"
#include "common/telemetry/trace.h"
#include "mailmesh/mailbox/v1/mailbox_service.grpc.pb.h"
#include "mailmesh/relay/v1/relay_service.grpc.pb.h"
#include "services/smtp_ingress/envelope.h"
#include "services/smtp_ingress/ingress.h"

namespace mailmesh::smtp_ingress {

class BodySink {
 public:
  // A content of up to this many octets travels in the call that stores it.
  static constexpr size_t kInlineLimit = 256 * 1024;

  // Borrows both for its life. `lmtp`: each recipient gets an answer of its own, so that every shard must be asked.
  BodySink(Ingress& ingress, const Envelope& envelope, telemetry::Trace trace, bool lmtp = false)
      : ingress_(ingress), envelope_(envelope), trace_(std::move(trace)), lmtp_(lmtp) {}

  // Never fails: a destination whose upload breaks is remembered, and BodyFor says so.
  net::Awaitable<void> Append(std::string octets);
  net::Awaitable<void> Finish();

  uint64_t size() const { return size_; }
  // An upload is good for one call. What is large and goes to other sites too is given to the relay alone, with all its
  // recipients: so that one write takes it, or none.
  bool GoesToTheRelayAlone() const { return streaming_ && !lmtp_ && !envelope_.relayed().empty(); }
  // Whether it travels in the call itself, as often as one likes.
  bool is_inline() const { return !streaming_; }
  const mime::HeaderScanner& header() const { return header_; }
  // Whatever BODY has said: an octet above 127 has come.
  bool eight_bit() const { return eight_bit_; }

  // The body for a shard, or (empty name) for the relay, without trace fields; the error of its upload otherwise.
  absl::StatusOr<type::v1::MessageBody> BodyFor(const std::string& shard) const;
  // Whether BodyFor has one; copies nothing.
  bool HasBodyFor(const std::string& shard) const;
  // The relay that has the content; null: any may be given it.
  const std::shared_ptr<grpc::Channel>& relay() const { return relay_; }

 private:
  struct Upload {
    std::optional<rpc::ClientStream<mailbox::v1::UploadBodyRequest, mailbox::v1::UploadBodyResponse>> to_store;
    std::optional<rpc::ClientStream<relay::v1::UploadBodyRequest, relay::v1::UploadBodyResponse>> to_relay;
    absl::Status status;
    std::string upload_id;
  };

  net::Awaitable<void> StartUploads();
  net::Awaitable<void> StartShardUploads();
  net::Awaitable<void> StartRelayUpload();
  net::Awaitable<void> SendChunk(std::string octets);

  Ingress& ingress_;
  const Envelope& envelope_;
  const telemetry::Trace trace_;
  const bool lmtp_;
  mime::HeaderScanner header_;
  uint64_t size_ = 0;
  bool eight_bit_ = false;
  std::string buffer_;  // all of it while it is small; what does not fill a chunk after that
  bool streaming_ = false;
  std::shared_ptr<grpc::Channel> relay_;  // shared with the calls on it
  std::map<std::string, Upload> uploads_;  // by shard; "" is the relay
};

}  // namespace mailmesh::smtp_ingress

#endif  // MAILMESH_SERVICES_SMTP_INGRESS_BODY_SINK_H_
