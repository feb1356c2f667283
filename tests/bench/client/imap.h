#ifndef MAILMESH_TESTS_BENCH_CLIENT_IMAP_H_
#define MAILMESH_TESTS_BENCH_CLIENT_IMAP_H_

#include <string>
#include <string_view>

#include "tests/bench/client/connection.h"

namespace mailmesh::bench {

// One IMAP connection. Replies are read to their end and thrown away: what is measured is the server.
class Imap {
 public:
  // Connects and reads the greeting.
  explicit Imap(const Options& options) : connection_(options) { connection_.ReadLine(); }

  // AUTHENTICATE PLAIN with initial response, as account `number` of --user ("user%@bench.test") with --password.
  void LogIn(const Options& options, int number);

  // Sends the command and reads until its tagged OK; anything else is Die().
  void Run(std::string_view command);
  // The same, and a refusal is no error.
  void Try(std::string_view command);
  // APPEND with a non-synchronizing literal (RFC 7888).
  void Append(const std::string& mailbox, const std::string& message);

  void StartIdle();
  // Reads what has come, and says whether an untagged EXISTS was in it.
  bool ReadsExists();

  int descriptor() const { return connection_.descriptor(); }

 private:
  void Send(std::string_view command);
  // The tagged line, after everything before it.
  std::string_view Finish();

  Connection connection_;
  int tag_ = 0;
};

// "user%@bench.test", 7 -> "user7@bench.test".
std::string AccountName(const std::string& pattern, int number);
// RFC 4616.
std::string PlainResponse(const std::string& account, const std::string& password);

}  // namespace mailmesh::bench

#endif  // MAILMESH_TESTS_BENCH_CLIENT_IMAP_H_
