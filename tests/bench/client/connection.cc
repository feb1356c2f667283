#include "tests/bench/client/connection.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace mailmesh::bench {
namespace {

constexpr char kAddress[] = "127.0.0.1";

// One for the process: all connections of a run go to the same server.
SSL_CTX* TlsContext(const Options& options) {
  static SSL_CTX* const context = [](const std::string& ca) {
    SSL_CTX* made = SSL_CTX_new(TLS_client_method());
    if (made == nullptr || SSL_CTX_load_verify_locations(made, ca.c_str(), nullptr) != 1) Die("cannot read " + ca);
    SSL_CTX_set_verify(made, SSL_VERIFY_PEER, nullptr);
    SSL_CTX_set_mode(made, SSL_MODE_AUTO_RETRY);
    return made;
  }(options.Text("ca"));
  return context;
}

}  // namespace

Connection::Connection(const Options& options) : buffer_(16 * 1024) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(options.Number("port")));
  inet_pton(AF_INET, kAddress, &address.sin_addr);
  descriptor_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor_ < 0) Die(std::string("socket: ") + std::strerror(errno));
  if (connect(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    Die(std::string("connect: ") + std::strerror(errno));
  }
  const int on = 1;
  setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  // A server that does not answer ends the run rather than hanging it.
  const timeval limit{60, 0};
  setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  if (options.Number("tls", 0) != 0) StartTls(options);
}

Connection::~Connection() {
  if (tls_ != nullptr) {
    SSL_shutdown(tls_);
    SSL_free(tls_);
  }
  close(descriptor_);
}

void Connection::StartTls(const Options& options) {
  tls_ = SSL_new(TlsContext(options));
  X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls_), kAddress);
  SSL_set_fd(tls_, descriptor_);
  if (SSL_connect(tls_) != 1) {
    Die(std::string("TLS: ") + X509_verify_cert_error_string(SSL_get_verify_result(tls_)));
  }
}

void Connection::Write(std::string_view octets) {
  while (!octets.empty()) {
    const ssize_t written = tls_ != nullptr ? SSL_write(tls_, octets.data(), static_cast<int>(octets.size()))
                                            : send(descriptor_, octets.data(), octets.size(), MSG_NOSIGNAL);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) Die("the server closed the connection while we wrote");
    octets.remove_prefix(static_cast<size_t>(written));
  }
}

std::string_view Connection::ReadLine() {
  size_t seen = 0;
  while (true) {
    const void* found = std::memchr(buffer_.data() + begin_ + seen, '\n', end_ - begin_ - seen);
    if (found != nullptr) {
      const size_t at = static_cast<size_t>(static_cast<const char*>(found) - buffer_.data());
      std::string_view line(buffer_.data() + begin_, at - begin_);
      begin_ = at + 1;
      if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
      return line;
    }
    seen = end_ - begin_;
    ReadSome();
  }
}

void Connection::Skip(size_t octets) {
  while (octets > end_ - begin_) {
    octets -= end_ - begin_;
    begin_ = end_ = 0;
    ReadSome();
  }
  begin_ += octets;
}

bool Connection::HasLine() const {
  return std::memchr(buffer_.data() + begin_, '\n', end_ - begin_) != nullptr;
}

void Connection::ReadSome() {
  if (begin_ == end_) begin_ = end_ = 0;
  if (begin_ > 0 && end_ == buffer_.size()) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ == buffer_.size()) buffer_.resize(buffer_.size() * 2);
  while (true) {
    const size_t room = buffer_.size() - end_;
    const ssize_t got = tls_ != nullptr ? SSL_read(tls_, buffer_.data() + end_, static_cast<int>(room))
                                        : recv(descriptor_, buffer_.data() + end_, room, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) Die("the server does not answer");
    if (got <= 0) Die("the server closed the connection");
    end_ += static_cast<size_t>(got);
    return;
  }
}

}  // namespace mailmesh::bench
