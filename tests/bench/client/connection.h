#ifndef MAILMESH_TESTS_BENCH_CLIENT_CONNECTION_H_
#define MAILMESH_TESTS_BENCH_CLIENT_CONNECTION_H_

#include <openssl/ssl.h>

#include <string>
#include <string_view>
#include <vector>

#include "tests/bench/client/options.h"

// A blocking connection to 127.0.0.1, in plain text or in TLS whose certificate is verified. Any failure is Die(). One thread
// at a time.
namespace mailmesh::bench {

class Connection {
 public:
  // --port, --tls 1 (from the first octet), --ca FILE (where TLS is used).
  explicit Connection(const Options& options);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void StartTls(const Options& options);
  void Write(std::string_view octets);
  // Without its CRLF; valid until the next call that reads.
  std::string_view ReadLine();
  void Skip(size_t octets);
  // True where ReadLine would not have to ask the system.
  bool HasLine() const;
  // Waits for octets and keeps them for ReadLine.
  void ReadSome();
  int descriptor() const { return descriptor_; }

 private:
  int descriptor_ = -1;
  SSL* tls_ = nullptr;
  std::vector<char> buffer_;
  size_t begin_ = 0;
  size_t end_ = 0;
};

}  // namespace mailmesh::bench

#endif  // MAILMESH_TESTS_BENCH_CLIENT_CONNECTION_H_
