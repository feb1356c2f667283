#include "tests/durability/faulty/faults.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <sstream>
#include <string_view>
#include <thread>
#include <utility>

namespace mailmesh::faulty {
namespace {

// A test binary whose instrument is not what was asked for must not look like a pass.
[[noreturn]] void GiveUp(const char* what) {
  std::fprintf(stderr, "faults: %s: %s\n", what, std::strerror(errno));
  std::_Exit(70);
}

std::atomic<int64_t>* Find(const std::string& name) {
  Faults& faults = TheFaults();
  const std::map<std::string, std::atomic<int64_t>*> all = {
      {"fail_writes", &faults.fail_writes},         {"fail_syncs", &faults.fail_syncs},
      {"fail_reads", &faults.fail_reads},           {"sync_delay_ms", &faults.sync_delay_ms},
      {"die_before_sync", &faults.die_before_sync}, {"die_after_sync", &faults.die_after_sync},
      {"clock_seconds", &faults.clock_seconds},
  };
  const auto found = all.find(name);
  return found == all.end() ? nullptr : found->second;
}

std::string Answer(const std::string& line, const std::function<void()>& die) {
  std::istringstream words(line);
  std::string verb;
  std::string name;
  int64_t value = 0;
  words >> verb;
  if (verb == "die") die();
  if (verb == "stats") return "log_syncs " + std::to_string(TheFaults().log_syncs.load());
  if (verb != "set" || !(words >> name >> value)) return "what?";
  std::atomic<int64_t>* const number = Find(name);
  if (number == nullptr) return "no such fault";
  number->store(value);
  return "ok";
}

void Serve(int listener, const std::function<void()>& die) {
  while (true) {
    const int peer = accept(listener, nullptr, nullptr);
    if (peer < 0) continue;
    FILE* const stream = fdopen(peer, "r+");
    char line[256];
    while (std::fgets(line, sizeof line, stream) != nullptr) {
      std::fprintf(stream, "%s\n", Answer(line, die).c_str());
      std::fflush(stream);
    }
    std::fclose(stream);
  }
}

}  // namespace

Faults& TheFaults() {
  static Faults faults;
  return faults;
}

bool Strikes(std::atomic<int64_t>& left) {
  int64_t now = left.load();
  while (now > 0) {
    if (left.compare_exchange_weak(now, now - 1)) return true;
  }
  return false;
}

bool LastOne(std::atomic<int64_t>& left) {
  int64_t now = left.load();
  while (now > 0) {
    if (left.compare_exchange_weak(now, now - 1)) return now == 1;
  }
  return false;
}

Sabotage TheSabotage() {
  static const Sabotage chosen = [] {
    const char* const name = std::getenv("MAILMESH_SABOTAGE");
    const std::string_view text = name == nullptr ? "" : name;
    if (text.empty()) return Sabotage::kNone;
    if (text == "sync") return Sabotage::kSync;
    if (text == "request_id") return Sabotage::kRequestId;
    if (text == "early_view") return Sabotage::kEarlyView;
    if (text == "early_collect") return Sabotage::kEarlyCollect;
    errno = EINVAL;
    GiveUp("MAILMESH_SABOTAGE");
  }();
  return chosen;
}

void ListenForFaults(std::function<void()> die) {
  const char* const folder = std::getenv("MAILMESH_FAULTS");
  if (folder == nullptr) return;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::snprintf(address.sun_path, sizeof address.sun_path, "%s/%d", folder, getpid());
  unlink(address.sun_path);
  const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (listener < 0 || bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      listen(listener, 8) != 0) {
    GiveUp(address.sun_path);
  }
  std::thread(Serve, listener, std::move(die)).detach();
}

}  // namespace mailmesh::faulty
