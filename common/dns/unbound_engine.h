// libunbound's context behind a descriptor: raw questions and answers as coroutines. Private to common/dns.
//
// Thread-safety: Ask() and AskTwo() on executor(); Start(), Stop() from any thread.
#ifndef MAILMESH_COMMON_DNS_UNBOUND_ENGINE_H_
#define MAILMESH_COMMON_DNS_UNBOUND_ENGINE_H_

#include <absl/status/statusor.h>
#include <unbound.h>

#include <asio/posix/stream_descriptor.hpp>
#include <memory>
#include <string>
#include <utility>

#include "common/dns/unbound_resolver.h"
#include "common/net/awaitable.h"

namespace mailmesh::dns {

// RFC 1035, 3.2.2; RFC 3596; RFC 6698.
enum class RecordType : int { kA = 1, kPtr = 12, kMx = 15, kTxt = 16, kAaaa = 28, kTlsa = 52 };

struct FreeUbResult {
  void operator()(ub_result* result) const { ub_resolve_free(result); }
};
using UbResult = std::unique_ptr<ub_result, FreeUbResult>;
// An answer that says something: data, no data, or no such name. Servers' failures and bogus answers are the Status.
using RawAnswer = absl::StatusOr<UbResult>;

class UnboundResolver::Engine : public std::enable_shared_from_this<UnboundResolver::Engine> {
 public:
  static absl::StatusOr<std::shared_ptr<Engine>> Create(net::Executor executor, const UnboundOptions& options);
  ~Engine();

  void Start();
  void Stop();
  const net::Executor& executor() const { return executor_; }

  static net::Awaitable<RawAnswer> Ask(std::shared_ptr<Engine> engine, std::string name, RecordType type,
                                       net::TimePoint deadline);
  // Both questions at once.
  static net::Awaitable<std::pair<RawAnswer, RawAnswer>> AskTwo(std::shared_ptr<Engine> engine, std::string name,
                                                                RecordType first, RecordType second,
                                                                net::TimePoint deadline);

 private:
  struct FreeContext {
    void operator()(ub_ctx* context) const { ub_ctx_delete(context); }
  };
  using Context = std::unique_ptr<ub_ctx, FreeContext>;
  class Question;

  Engine(net::Executor executor, Context context, size_t max_outstanding);
  static net::Awaitable<void> Pump(std::shared_ptr<Engine> engine);

  net::Executor executor_;
  Context context_;
  const size_t max_outstanding_;
  size_t outstanding_ = 0;
  asio::posix::stream_descriptor descriptor_;  // watches libunbound's descriptor without owning it
};

}  // namespace mailmesh::dns

#endif  // MAILMESH_COMMON_DNS_UNBOUND_ENGINE_H_
