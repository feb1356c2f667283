// Fills a relay's spool with messages that are due later, as a queue that has built up: spool_fill FOLDER MESSAGES DESTINATIONS [SECONDS]
// SECONDS: from now until they are due (a day if not given; 0: now).
#include <cstdio>
#include <cstdlib>
#include <string>

#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "common/base/random.h"
#include "services/outbound_relay/spool.h"

namespace mailmesh::outbound_relay {
namespace {

constexpr int kInFlight = 5000;

int Fill(const std::string& folder, int messages, int destinations, int64_t seconds) {
  telemetry::Registry registry;
  config::v1::DatabaseConfig config;
  config.set_path(folder);
  config.set_cache_bytes(64 << 20);
  config.set_write_buffer_bytes(64 << 20);
  config.set_free_space_floor_bytes(64 << 20);
  auto spool = Spool::Open(config, registry, base::Clock::Real(), [](const absl::Status&) {});
  if (!spool.ok()) {
    std::fprintf(stderr, "%s\n", spool.status().ToString().c_str());
    return 1;
  }
  const std::string body = "From: <sender@origin.test>\r\nTo: <user@dead.test>\r\nSubject: queued\r\n\r\n" + std::string(1900, 'x') + "\r\n";
  absl::Mutex mutex;
  int open = 0;
  int failed = 0;
  const int64_t now = absl::ToUnixMillis(absl::Now());
  for (int i = 0; i < messages; ++i) {
    Item item;
    item.set_reverse_path("sender@origin.test");
    item.set_trace_fields("Received: from client.example ([192.0.2.1]) by relay.origin.test with ESMTP;\r\n\tSat, 28 Nov 2026 01:00:00 +0000\r\n");
    Recipient* recipient = item.add_recipients();
    recipient->set_forward_path("user" + std::to_string(i) + "@dead" + std::to_string(i % destinations) + ".test");
    recipient->set_state(Recipient::STATE_QUEUED);
    item.set_queued_ms(now);
    item.set_next_attempt_ms(now + seconds * 1000);
    {
      absl::MutexLock lock(&mutex);
      mutex.Await(absl::Condition(
          +[](int* count) { return *count < kInFlight; }, &open));
      ++open;
    }
    const absl::Status submitted = (*spool)->Enqueue(base::NewIdText(), std::move(item), body, "", "", [&](const absl::Status& status) {
      absl::MutexLock lock(&mutex);
      --open;
      if (!status.ok()) ++failed;
    });
    if (!submitted.ok()) {
      absl::MutexLock lock(&mutex);
      --open;
      ++failed;
    }
  }
  absl::MutexLock lock(&mutex);
  mutex.Await(absl::Condition(
      +[](int* count) { return *count == 0; }, &open));
  std::printf("%d queued, %d refused\n", messages - failed, failed);
  return 0;
}

}  // namespace
}  // namespace mailmesh::outbound_relay

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(stderr, "usage: spool_fill FOLDER MESSAGES DESTINATIONS [SECONDS]\n");
    return 2;
  }
  return mailmesh::outbound_relay::Fill(argv[1], std::atoi(argv[2]), std::atoi(argv[3]), argc > 4 ? std::atoll(argv[4]) : 86'400);
}
