#include "common/rpc/retry.h"

#include <google/protobuf/descriptor.pb.h>

#include <algorithm>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>
#include <random>

#include "common/rpc/status.h"

namespace mailmesh::rpc {
namespace {

absl::Duration Backoff(const RetryPolicy& policy, int attempt) {
  thread_local std::minstd_rand random{std::random_device{}()};
  absl::Duration pause = policy.initial_pause;
  for (int i = 1; i < attempt && pause < policy.max_pause; ++i) {
    pause *= 2;
  }
  return std::min(pause, policy.max_pause) * std::uniform_real_distribution<double>(0.5, 1.0)(random);
}

}  // namespace

std::optional<absl::Duration> PauseBeforeRetry(const RetryPolicy& policy, const absl::Status& failure, int attempt,
                                               absl::Time deadline, absl::Time now) {
  // An attempt that ran into its own part of the deadline may have been a stalled connection's fault, but the call may
  // also have been carried out: only UNAVAILABLE says that it is worth another try.
  if (failure.code() != absl::StatusCode::kUnavailable || attempt >= policy.max_attempts) {
    return std::nullopt;
  }
  absl::Duration pause = std::max(Backoff(policy, attempt), RetryDelayOf(failure).value_or(absl::ZeroDuration()));
  if (now + pause >= deadline) {
    return std::nullopt;
  }
  return pause;
}

namespace rpc_internal {

Repeatability RepeatabilityOf(const google::protobuf::Descriptor& request) {
  using google::protobuf::FieldDescriptor;
  using google::protobuf::MethodOptions;
  Repeatability contract;
  const FieldDescriptor* id = request.FindFieldByName("request_id");
  if (id != nullptr && id->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
    contract.request_id = id;
  }
  const google::protobuf::FileDescriptor& file = *request.file();
  int taking = 0;
  int idempotent = 0;
  for (int i = 0; i < file.service_count(); ++i) {
    for (int j = 0; j < file.service(i)->method_count(); ++j) {
      const google::protobuf::MethodDescriptor& method = *file.service(i)->method(j);
      if (method.input_type() != &request) {
        continue;
      }
      ++taking;
      idempotent += method.options().idempotency_level() != MethodOptions::IDEMPOTENCY_UNKNOWN;
    }
  }
  contract.idempotent = taking > 0 && idempotent == taking;
  return contract;
}

bool MayRepeat(const Repeatability& contract, const google::protobuf::Message& request) {
  if (contract.idempotent) {
    return true;
  }
  std::string scratch;
  return contract.request_id != nullptr &&
         !request.GetReflection()->GetStringReference(request, contract.request_id, &scratch).empty();
}

asio::awaitable<void> Sleep(absl::Duration pause) {
  asio::any_io_executor executor = co_await asio::this_coro::executor;
  asio::steady_timer timer(executor, absl::ToChronoNanoseconds(pause));
  asio::error_code ignored;
  auto token = asio::redirect_error(asio::use_awaitable, ignored);
  co_await timer.async_wait(token);
}

}  // namespace rpc_internal

asio::awaitable<void> ReconnectPause(RetryPolicy policy, int failures) {
  absl::Duration pause = Backoff(policy, std::max(failures, 1));
  co_await rpc_internal::Sleep(pause);
}

}  // namespace mailmesh::rpc
