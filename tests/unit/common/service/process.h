// A child process with a configuration, its addresses and its log. For tests.
#ifndef MAILMESH_TESTS_UNIT_COMMON_SERVICE_PROCESS_H_
#define MAILMESH_TESTS_UNIT_COMMON_SERVICE_PROCESS_H_

#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

namespace mailmesh::service {

// An own folder under the test's temporary one, mode 0700; removed at the end.
class TestFolder {
 public:
  TestFolder();
  ~TestFolder();
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

class Process {
 public:
  // Runs the program with `arguments`; both outputs go to `log`. A descriptor in `inherit`, if not -1, becomes
  // number 3.
  Process(const std::string& program, std::vector<std::string> arguments,
          std::map<std::string, std::string> environment, std::string log, int inherit = -1);
  ~Process();

  void Signal(int signal) const;
  // The exit code (128 + signal where one ended it); -1 when it still runs after `seconds`.
  int Wait(double seconds);
  std::string Log() const;
  // Waits until the log holds `text`.
  bool LogHas(const std::string& text, double seconds = 10) const;
  pid_t pid() const { return pid_; }

 private:
  std::string log_;
  pid_t pid_ = -1;
  int code_ = -1;
};

// The lines "name=address" of a file; waits until `name` is there, and returns its address ("" when it never comes).
std::string WaitForEndpoint(const std::string& file, const std::string& name, double seconds = 10);

// A plain TCP client.
class Client {
 public:
  explicit Client(const std::string& address);
  ~Client();
  bool connected() const { return fd_ >= 0; }
  bool Send(const std::string& text) const;
  // Up to the end of the line, or of the connection.
  std::string ReadLine(double seconds = 10) const;
  // Up to the end of the connection.
  std::string ReadAll(double seconds = 10) const;

 private:
  int fd_ = -1;
};

// The whole answer to a GET.
std::string HttpGet(const std::string& address, const std::string& path, const std::string& method = "GET");

}  // namespace mailmesh::service

#endif  // MAILMESH_TESTS_UNIT_COMMON_SERVICE_PROCESS_H_
