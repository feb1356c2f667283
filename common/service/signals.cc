#include "common/service/signals.h"

#include <pthread.h>
#include <signal.h>

#include <utility>

#include "common/telemetry/log.h"

namespace mailmesh::service {
namespace {

// Wakes the thread for its own end.
constexpr int kWake = SIGUSR2;

sigset_t HandledSignals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, kWake}) sigaddset(&set, signal);
  return set;
}

}  // namespace

void Signals::Block() {
  const sigset_t set = HandledSignals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

Signals::Signals(Callbacks callbacks) : callbacks_(std::move(callbacks)) {
  thread_ = std::thread([this] {
    pthread_setname_np(pthread_self(), "signals");
    Loop();
  });
}

Signals::~Signals() {
  stopping_ = true;
  pthread_kill(thread_.native_handle(), kWake);
  thread_.join();
}

void Signals::Loop() {
  const sigset_t set = HandledSignals();
  bool ending = false;
  while (true) {
    int signal = 0;
    if (sigwait(&set, &signal) != 0) continue;
    if (signal == kWake) {
      if (stopping_) return;
    } else if (signal == SIGHUP) {
      telemetry::Info("signal: reload");
      callbacks_.on_reload();
    } else if (!ending) {
      ending = true;
      telemetry::Info("signal: end", {{"signal", signal == SIGTERM ? "SIGTERM" : "SIGINT"}});
      callbacks_.on_end();
    } else {
      telemetry::Warning("second signal: ending at once");
      callbacks_.on_second();
    }
  }
}

}  // namespace mailmesh::service
