#include "dns_responder.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>
#include <utility>

namespace mailmesh::rpc {
namespace {

constexpr size_t kHeader = 12;
constexpr char kTypeA = 1;

}  // namespace

DnsResponder::DnsResponder() : fd_(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  if (bind(fd_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw std::runtime_error("no UDP port");
  }
  port_ = ntohs(address.sin_port);
  thread_ = std::thread(&DnsResponder::Serve, this);
}

DnsResponder::~DnsResponder() {
  stop_ = true;
  shutdown(fd_, SHUT_RDWR);  // wakes recvfrom
  thread_.join();
  close(fd_);
}

void DnsResponder::Set(std::vector<Address> addresses) {
  absl::MutexLock lock(&mutex_);
  addresses_ = std::move(addresses);
}

void DnsResponder::Serve() {
  while (!stop_) {
    char buffer[512];
    sockaddr_in peer{};
    socklen_t size = sizeof(peer);
    const ssize_t n = recvfrom(fd_, buffer, sizeof(buffer), 0, reinterpret_cast<sockaddr*>(&peer), &size);
    if (n <= static_cast<ssize_t>(kHeader)) continue;
    const std::string answer = Answer(std::string(buffer, static_cast<size_t>(n)));
    sendto(fd_, answer.data(), answer.size(), 0, reinterpret_cast<sockaddr*>(&peer), size);
  }
}

std::string DnsResponder::Answer(std::string query) {
  // The question: a name of labels, its type, its class. What may follow (EDNS) is not answered.
  size_t end = kHeader;
  while (end < query.size() && query[end] != 0) end += static_cast<uint8_t>(query[end]) + 1u;
  end += 5;
  if (end > query.size()) return query;
  const bool asks_address = query[end - 4] == 0 && query[end - 3] == kTypeA;
  query.resize(end);
  absl::MutexLock lock(&mutex_);
  const size_t count = asks_address ? addresses_.size() : 0;
  query[2] = static_cast<char>(0x85);  // a response, authoritative, recursion desired
  query[3] = static_cast<char>(0x80);  // no error
  query[7] = static_cast<char>(count);
  query[9] = query[11] = 0;
  for (size_t i = 0; i < count; ++i) {
    constexpr char kRecord[] = "\xc0\x0c\0\x01\0\x01\0\0\0\0\0\x04";  // the name asked for, A, IN, TTL 0, 4 octets
    query.append(kRecord, sizeof(kRecord) - 1);
    query.append(addresses_[i].begin(), addresses_[i].end());
  }
  return query;
}

}  // namespace mailmesh::rpc
