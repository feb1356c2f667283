#include "common/rpc/call_context.h"

#include <grpcpp/client_context.h>
#include <grpcpp/server_context.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "common/base/random.h"
#include "common/rpc/tls.h"

namespace mailmesh::rpc {
namespace {

constexpr size_t kMaxIdSize = 128;

// gRPC ends the process over metadata that HTTP/2 does not allow, and our logs print ids as they are.
bool IsSendable(std::string_view text) {
  return !text.empty() && text.size() <= kMaxIdSize &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

std::string ReadId(const grpc::CallbackServerContext& context, const char* key) {
  auto found = context.client_metadata().find(key);
  if (found == context.client_metadata().end()) {
    return "";
  }
  std::string_view text(found->second.data(), found->second.size());
  return IsSendable(text) ? std::string(text) : "";
}

std::string RandomHex(size_t octets) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string result;
  for (char c : base::RandomString(octets)) {
    result += kDigits[static_cast<unsigned char>(c) >> 4];
    result += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return result;
}

}  // namespace

CallContext CallContext::Within(absl::Duration timeout, std::string correlation_id) {
  CallContext context;
  context.deadline = absl::Now() + timeout;
  context.correlation_id = std::move(correlation_id);
  return context;
}

CallContext CallContext::Until(std::chrono::steady_clock::time_point deadline, std::string correlation_id) {
  if (deadline == std::chrono::steady_clock::time_point::max()) {
    return NoDeadline(std::move(correlation_id));
  }
  return Within(absl::FromChrono(deadline - std::chrono::steady_clock::now()), std::move(correlation_id));
}

CallContext CallContext::NoDeadline(std::string correlation_id) {
  CallContext context;
  context.deadline = absl::InfiniteFuture();
  context.correlation_id = std::move(correlation_id);
  return context;
}

CallContext CallContext::AtMost(absl::Duration timeout) const {
  CallContext context = *this;
  context.deadline = std::min(deadline, absl::Now() + timeout);
  return context;
}

CallInfo CallInfo::FromContext(const grpc::CallbackServerContext& context) {
  CallInfo info;
  std::chrono::system_clock::time_point deadline = context.deadline();
  info.deadline =
      deadline == std::chrono::system_clock::time_point::max() ? absl::InfiniteFuture() : absl::FromChrono(deadline);
  info.correlation_id = ReadId(context, kCorrelationIdKey);
  info.traceparent = ReadId(context, kTraceparentKey);
  info.context = &context;
  return info;
}

CallContext CallInfo::Downstream() const {
  CallContext result;
  result.deadline = deadline;
  result.correlation_id = correlation_id;
  result.traceparent = traceparent;
  result.parent = context;
  return result;
}

bool CallInfo::cancelled() const { return context->IsCancelled(); }

std::vector<std::string> CallInfo::PeerRoles() const {
  std::shared_ptr<const grpc::AuthContext> peer = context->auth_context();
  return peer == nullptr ? std::vector<std::string>() : rpc_internal::RolesOfPeer(*peer);
}

std::string NewCorrelationId() { return base::NewIdText(); }

// W3C Trace Context, 3.2: version, trace-id, parent-id, flags.
std::string NewTraceparent() { return "00-" + RandomHex(16) + "-" + RandomHex(8) + "-00"; }

namespace rpc_internal {

std::unique_ptr<grpc::ClientContext> MakeClientContext(const CallContext& context) {
  std::unique_ptr<grpc::ClientContext> client =
      context.parent == nullptr ? std::make_unique<grpc::ClientContext>()
                                : grpc::ClientContext::FromCallbackServerContext(*context.parent);
  if (context.deadline < absl::InfiniteFuture()) {
    client->set_deadline(absl::ToChronoTime(context.deadline));
  }
  if (IsSendable(context.correlation_id)) {
    client->AddMetadata(kCorrelationIdKey, context.correlation_id);
  }
  if (IsSendable(context.traceparent)) {
    client->AddMetadata(kTraceparentKey, context.traceparent);
  }
  return client;
}

}  // namespace rpc_internal
}  // namespace mailmesh::rpc
