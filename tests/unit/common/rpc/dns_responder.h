// A DNS server for one name, whose addresses the test changes: what a headless service's name is to its clients.
#ifndef MAILMESH_TESTS_UNIT_COMMON_RPC_DNS_RESPONDER_H_
#define MAILMESH_TESTS_UNIT_COMMON_RPC_DNS_RESPONDER_H_

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

namespace mailmesh::rpc {

// Answers every A question with the addresses, any other question with nothing (RFC 1035, 4). UDP on 127.0.0.1.
class DnsResponder {
 public:
  using Address = std::array<uint8_t, 4>;

  DnsResponder();
  ~DnsResponder();

  void Set(std::vector<Address> addresses);
  uint16_t port() const { return port_; }

 private:
  void Serve();
  std::string Answer(std::string query);

  int fd_;
  uint16_t port_ = 0;
  std::atomic<bool> stop_{false};
  absl::Mutex mutex_;
  std::vector<Address> addresses_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace mailmesh::rpc

#endif  // MAILMESH_TESTS_UNIT_COMMON_RPC_DNS_RESPONDER_H_
