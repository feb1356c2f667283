#include "common/rpc/server_call.h"

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <exception>

#include "common/net/spawn.h"
#include "common/rpc/status_mapping.h"

namespace mailmesh::rpc {

Responder::Responder(grpc::CallbackServerContext* context) : guard_(context), reactor_(context->DefaultReactor()) {}

Responder::Responder(Responder&& other) noexcept
    : guard_(std::move(other.guard_)), begun_(other.begun_), reactor_(std::exchange(other.reactor_, nullptr)) {}

Responder::~Responder() {
  if (reactor_ != nullptr) {
    (*this)(begun_ ? rpc_internal::HandlerDroppedError() : rpc_internal::CallGuard::refusal());
  }
}

void Responder::operator()(const absl::Status& status) {
  grpc::Status answer = ToGrpc(status);
  if (answer.ok()) {
    guard_.CountSent();
  }
  // Before the answer is sent: a server that shuts down may be gone right after.
  guard_.Finish(answer.error_code());
  std::exchange(reactor_, nullptr)->Finish(std::move(answer));
}

grpc::ServerUnaryReactor* AnswerUnary(grpc::CallbackServerContext* context, const absl::Status& status) {
  Responder responder(context);
  grpc::ServerUnaryReactor* reactor = responder.reactor();
  responder(responder.admitted() ? status : rpc_internal::CallGuard::refusal());
  return reactor;
}

namespace rpc_internal {

void SpawnHandler(asio::any_io_executor executor, asio::awaitable<void> handler) {
  asio::co_spawn(std::move(executor), std::move(handler), asio::detached);
}

absl::Status HandlerThrew() {
  try {
    throw;
  } catch (const std::exception& e) {
    net::ReportEscape("rpc-handler", e.what());
  } catch (...) {
    net::ReportEscape("rpc-handler", "something that is no std::exception");
  }
  return absl::InternalError("the handler threw");
}

absl::Status HandlerDroppedError() { return absl::InternalError("the handler ended without an answer"); }

}  // namespace rpc_internal
}  // namespace mailmesh::rpc
