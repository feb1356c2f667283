#include "common/dns/unbound_engine.h"

#include <absl/strings/str_cat.h>

#include <asio/dispatch.hpp>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>
#include <optional>

#include "common/dns/unbound_options.h"
#include "common/net/event.h"
#include "common/net/spawn.h"

namespace mailmesh::dns {
namespace {

constexpr int kNoError = 0;   // RFC 1035, 4.1.1
constexpr int kServFail = 2;
constexpr int kNxDomain = 3;
constexpr int kRefused = 5;

std::string RcodeText(int rcode) {
  if (rcode == kServFail) return "SERVFAIL";
  if (rcode == kRefused) return "REFUSED";
  return absl::StrCat("rcode ", rcode);
}

RawAnswer Judge(int error, UbResult result, const std::string& name) {
  if (error != 0 || result == nullptr) {
    return absl::UnavailableError(absl::StrCat("looking up ", name, ": ", ub_strerror(error)));
  }
  // First of all: a bogus answer still carries the data that an attacker may have made.
  if (result->bogus != 0) {
    return BogusError(absl::StrCat(name, ": ", result->why_bogus == nullptr ? "" : result->why_bogus));
  }
  if (result->rcode != kNoError && result->rcode != kNxDomain) {
    return absl::UnavailableError(absl::StrCat("looking up ", name, ": ", RcodeText(result->rcode)));
  }
  return result;
}

}  // namespace

// One look-up under way; lives in the frame of the coroutine that asked. Ended early, it is cancelled, after which
// libunbound does not call back.
class UnboundResolver::Engine::Question {
 public:
  Question(Engine& engine, std::string name, RecordType type)
      : engine_(engine), name_(std::move(name)), answered_(engine.executor_) {
    ++engine_.outstanding_;
    if (engine_.outstanding_ > engine_.max_outstanding_) {
      error_ = absl::UnavailableError("too many look-ups at a time");
      return;
    }
    const int error = ub_resolve_async(engine_.context_.get(), name_.c_str(), static_cast<int>(type), /*IN*/ 1, this,
                                       &Question::OnAnswer, &id_);
    if (error != 0) {
      error_ = absl::UnavailableError(absl::StrCat("looking up ", name_, ": ", ub_strerror(error)));
      return;
    }
    pending_ = true;
  }
  ~Question() {
    --engine_.outstanding_;
    if (pending_) ub_cancel(engine_.context_.get(), id_);
  }
  Question(const Question&) = delete;
  Question& operator=(const Question&) = delete;

  net::Awaitable<RawAnswer> Answer(net::TimePoint deadline) {
    if (!error_.ok()) co_return error_;
    while (pending_) {
      absl::Status status = co_await answered_.Wait(deadline);
      if (absl::IsDeadlineExceeded(status)) {
        co_return absl::DeadlineExceededError(absl::StrCat("looking up ", name_, " took too long"));
      }
      if (!status.ok()) co_return status;
    }
    co_return Judge(ub_error_, std::move(result_), name_);
  }

 private:
  static void OnAnswer(void* self, int error, ub_result* result) {
    auto* question = static_cast<Question*>(self);
    question->pending_ = false;
    question->ub_error_ = error;
    question->result_.reset(result);
    question->answered_.Notify();
  }

  Engine& engine_;
  const std::string name_;
  net::Event answered_;
  int id_ = 0;
  bool pending_ = false;
  int ub_error_ = 0;
  UbResult result_;
  absl::Status error_;
};

absl::StatusOr<std::shared_ptr<UnboundResolver::Engine>> UnboundResolver::Engine::Create(
    net::Executor executor, const UnboundOptions& options) {
  Context context(ub_ctx_create());
  if (context == nullptr) return absl::InternalError("libunbound could not be set up");
  if (absl::Status status = ApplyOptions(context.get(), options); !status.ok()) return status;
  auto engine =
      std::shared_ptr<Engine>(new Engine(std::move(executor), std::move(context), options.max_outstanding));
  return engine;
}

UnboundResolver::Engine::Engine(net::Executor executor, Context context, size_t max_outstanding)
    : executor_(std::move(executor)),
      context_(std::move(context)),
      max_outstanding_(max_outstanding),
      descriptor_(executor_) {}

UnboundResolver::Engine::~Engine() {
  if (descriptor_.is_open()) descriptor_.release();
}

void UnboundResolver::Engine::Start() { net::Spawn(executor_, Pump(shared_from_this()), "dns"); }

void UnboundResolver::Engine::Stop() {
  asio::dispatch(executor_, [self = shared_from_this()] {
    if (self->descriptor_.is_open()) self->descriptor_.release();
  });
}

net::Awaitable<void> UnboundResolver::Engine::Pump(std::shared_ptr<Engine> engine) {
  asio::error_code error;
  engine->descriptor_.assign(ub_fd(engine->context_.get()), error);
  while (!error && engine->descriptor_.is_open()) {
    co_await engine->descriptor_.async_wait(asio::posix::descriptor_base::wait_read,
                                            asio::redirect_error(asio::use_awaitable, error));
    if (!error) ub_process(engine->context_.get());
  }
}

net::Awaitable<RawAnswer> UnboundResolver::Engine::Ask(std::shared_ptr<Engine> engine, std::string name,
                                                       RecordType type, net::TimePoint deadline) {
  Question question(*engine, std::move(name), type);
  co_return co_await question.Answer(deadline);
}

net::Awaitable<std::pair<RawAnswer, RawAnswer>> UnboundResolver::Engine::AskTwo(std::shared_ptr<Engine> engine,
                                                                                std::string name, RecordType first,
                                                                                RecordType second,
                                                                                net::TimePoint deadline) {
  Question one(*engine, name, first);
  Question two(*engine, std::move(name), second);
  RawAnswer one_answer = co_await one.Answer(deadline);
  RawAnswer two_answer = co_await two.Answer(deadline);
  std::pair<RawAnswer, RawAnswer> both(std::move(one_answer), std::move(two_answer));
  co_return both;
}

}  // namespace mailmesh::dns
