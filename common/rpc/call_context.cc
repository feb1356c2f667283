#include "common/rpc/call_context.h"

#include <grpcpp/client_context.h>
#include <grpcpp/server_context.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "common/rpc/tls.h"

namespace mailmesh::rpc {
namespace {

std::string_view MetadataOf(const grpc::CallbackServerContext& context, const char* key) {
  auto found = context.client_metadata().find(key);
  if (found == context.client_metadata().end()) return {};
  return {found->second.data(), found->second.size()};
}

}  // namespace

CallContext CallContext::Within(absl::Duration timeout, telemetry::Trace trace) {
  CallContext context;
  context.deadline = absl::Now() + timeout;
  context.trace = std::move(trace);
  return context;
}

CallContext CallContext::Until(std::chrono::steady_clock::time_point deadline, telemetry::Trace trace) {
  if (deadline == std::chrono::steady_clock::time_point::max()) {
    return NoDeadline(std::move(trace));
  }
  return Within(absl::FromChrono(deadline - std::chrono::steady_clock::now()), std::move(trace));
}

CallContext CallContext::NoDeadline(telemetry::Trace trace) {
  CallContext context;
  context.deadline = absl::InfiniteFuture();
  context.trace = std::move(trace);
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
  info.trace = telemetry::Trace::OfCaller(MetadataOf(context, kTraceparentKey));
  info.context = &context;
  return info;
}

CallContext CallInfo::Downstream() const {
  CallContext result;
  result.deadline = deadline;
  result.trace = trace;
  result.parent = context;
  return result;
}

bool CallInfo::cancelled() const { return context->IsCancelled(); }

std::vector<std::string> CallInfo::PeerRoles() const {
  std::shared_ptr<const grpc::AuthContext> peer = context->auth_context();
  return peer == nullptr ? std::vector<std::string>() : rpc_internal::RolesOfPeer(*peer);
}

namespace rpc_internal {

std::unique_ptr<grpc::ClientContext> MakeClientContext(const CallContext& context) {
  std::unique_ptr<grpc::ClientContext> client =
      context.parent == nullptr ? std::make_unique<grpc::ClientContext>()
                                : grpc::ClientContext::FromCallbackServerContext(*context.parent);
  if (context.deadline < absl::InfiniteFuture()) {
    client->set_deadline(absl::ToChronoTime(context.deadline));
  }
  const std::string traceparent = context.trace.Traceparent();
  if (!traceparent.empty()) client->AddMetadata(kTraceparentKey, traceparent);
  return client;
}

}  // namespace rpc_internal
}  // namespace mailmesh::rpc
