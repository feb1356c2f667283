#include "common/net/spawn.h"

#include <absl/synchronization/mutex.h>

#include <asio/co_spawn.hpp>
#include <cstdio>
#include <exception>
#include <string>
#include <utility>

namespace mailmesh::net {
namespace {

// Process-wide on purpose: exceptions escape from code that was given no dependency. Never destroyed, because threads
// may outlive main().
struct HookHolder {
  absl::Mutex mutex;
  EscapeHook hook ABSL_GUARDED_BY(mutex);
};

HookHolder& Holder() {
  static auto* holder = new HookHolder;
  return *holder;
}

void ReportException(std::string_view name, const std::exception_ptr& exception) {
  try {
    std::rethrow_exception(exception);
  } catch (const std::exception& e) {
    ReportEscape(name, e.what());
  } catch (...) {
    ReportEscape(name, "not a std::exception");
  }
}

}  // namespace

void SetEscapeHook(EscapeHook hook) {
  HookHolder& holder = Holder();
  absl::MutexLock lock(&holder.mutex);
  holder.hook = std::move(hook);
}

void ReportEscape(std::string_view name, std::string_view what) {
  EscapeHook hook;
  {
    HookHolder& holder = Holder();
    absl::MutexLock lock(&holder.mutex);
    hook = holder.hook;
  }
  if (hook) {
    hook(name, what);
  } else {
    std::fprintf(stderr, "exception escaped from %s: %s\n", std::string(name).c_str(), std::string(what).c_str());
  }
}

void Spawn(Executor executor, Awaitable<void> task, std::string_view name) {
  asio::co_spawn(std::move(executor), std::move(task), [name](std::exception_ptr exception) {
    if (exception) ReportException(name, exception);
  });
}

}  // namespace mailmesh::net
