#include "common/net/proxy_accept.h"

#include <absl/status/statusor.h>

#include <span>

#include "common/net/proxy_header.h"
#include "common/net/socket_io.h"

namespace mailmesh::net {
namespace {

ProxyRejection RejectionFor(ProxyFault fault) {
  switch (fault) {
    case ProxyFault::kMalformed:
      return ProxyRejection::kMalformed;
    case ProxyFault::kNoAddress:
      return ProxyRejection::kNoAddress;
    case ProxyFault::kBadSource:
      return ProxyRejection::kBadSource;
  }
  return ProxyRejection::kMalformed;
}

}  // namespace

Awaitable<std::variant<ProxyOrigin, ProxyRejection>> AcceptProxyHeader(Stream* stream, Duration timeout) {
  ProxyHeaderParser parser;
  std::array<char, 512> octets;
  stream->ExpiresAt(After(timeout));
  while (!parser.done()) {
    const absl::StatusOr<WaitResult> waited = co_await stream->WaitReadable();
    if (absl::IsDeadlineExceeded(waited.status())) co_return ProxyRejection::kTimeout;
    if (!waited.ok()) co_return ProxyRejection::kClosed;
    // Looked at first: what stands behind the header is the client's, perhaps the beginning of TLS, and stays where it is.
    const IoStep step = Peek(stream->fd(), octets);
    if (step.kind == IoStep::Kind::kWantRead) continue;
    if (step.kind != IoStep::Kind::kDone) co_return ProxyRejection::kClosed;
    const size_t taken = parser.Feed({octets.data(), step.octets});
    const absl::StatusOr<size_t> consumed = co_await stream->ReadSome(std::span<char>(octets.data(), taken));
    if (!consumed.ok() || *consumed != taken) co_return ProxyRejection::kClosed;
    if (parser.fault().has_value()) co_return RejectionFor(*parser.fault());
  }
  stream->ExpiresAt(kNever);
  const ProxyHeader& header = parser.header();
  if (header.local) {
    stream->set_peer_address(SocketAddress());
    co_return ProxyOrigin::kBalancer;
  }
  stream->set_peer_address(header.source);
  co_return ProxyOrigin::kClient;
}

}  // namespace mailmesh::net
