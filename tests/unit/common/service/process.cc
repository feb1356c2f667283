#include "tests/unit/common/service/process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "common/base/file.h"

extern char** environ;

namespace mailmesh::service {
namespace {

template <class Condition>
bool WaitFor(double seconds, Condition condition) {
  const absl::Time deadline = absl::Now() + absl::Seconds(seconds);
  while (!condition()) {
    if (absl::Now() > deadline) return false;
    absl::SleepFor(absl::Milliseconds(5));
  }
  return true;
}

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

TestFolder::TestFolder() {
  path_ = ::testing::TempDir() + "/service_test.XXXXXX";
  if (mkdtemp(path_.data()) == nullptr) std::abort();
}

TestFolder::~TestFolder() { std::filesystem::remove_all(path_); }

Process::Process(const std::string& program, std::vector<std::string> arguments,
                 std::map<std::string, std::string> environment, std::string log, int inherit)
    : log_(std::move(log)) {
  std::vector<std::string> words = {program};
  for (std::string& argument : arguments) words.push_back(std::move(argument));
  std::vector<std::string> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) variables.push_back(*variable);
  for (const auto& [name, value] : environment) variables.push_back(absl::StrCat(name, "=", value));
  std::vector<char*> argv = Pointers(words);
  std::vector<char*> envp = Pointers(variables);
  const int out = open(log_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  pid_ = fork();
  if (pid_ == 0) {
    dup2(out, 1);
    dup2(out, 2);
    if (inherit >= 0) dup2(inherit, 3);
    execve(argv[0], argv.data(), envp.data());
    _exit(127);
  }
  close(out);
}

Process::~Process() {
  if (Wait(0) == -1) {
    Signal(SIGKILL);
    Wait(10);
  }
}

void Process::Signal(int signal) const { kill(pid_, signal); }

int Process::Wait(double seconds) {
  WaitFor(seconds, [this] {
    if (code_ >= 0) return true;
    int status = 0;
    if (waitpid(pid_, &status, WNOHANG) != pid_) return false;
    code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return true;
  });
  return code_;
}

std::string Process::Log() const { return base::ReadFile(log_).value_or(""); }

bool Process::LogHas(const std::string& text, double seconds) const {
  return WaitFor(seconds, [&] { return Log().find(text) != std::string::npos; });
}

std::string WaitForEndpoint(const std::string& file, const std::string& name, double seconds) {
  std::string address;
  WaitFor(seconds, [&] {
    const std::string text = base::ReadFile(file).value_or("");
    for (absl::string_view line : absl::StrSplit(text, '\n')) {
      const std::pair<std::string, std::string> parts = absl::StrSplit(line, absl::MaxSplits('=', 1));
      if (parts.first == name) address = parts.second;
    }
    return !address.empty();
  });
  return address;
}

Client::Client(const std::string& address) {
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos) return;
  sockaddr_in to{};
  to.sin_family = AF_INET;
  uint32_t port = 0;
  if (!absl::SimpleAtoi(address.substr(colon + 1), &port)) return;
  to.sin_port = htons(static_cast<uint16_t>(port));
  if (inet_pton(AF_INET, address.substr(0, colon).c_str(), &to.sin_addr) != 1) return;
  fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof(to)) != 0) {
    close(fd_);
    fd_ = -1;
  }
}

Client::~Client() {
  if (fd_ >= 0) close(fd_);
}

bool Client::Send(const std::string& text) const {
  return send(fd_, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size());
}

std::string Client::ReadLine(double seconds) const {
  std::string text;
  pollfd waiting{fd_, POLLIN, 0};
  char c;
  while (poll(&waiting, 1, static_cast<int>(seconds * 1000)) > 0 && read(fd_, &c, 1) == 1) {
    text += c;
    if (c == '\n') break;
  }
  return text;
}

std::string Client::ReadAll(double seconds) const {
  std::string text;
  while (true) {
    const std::string line = ReadLine(seconds);
    text += line;
    if (!line.ends_with('\n')) return text;
  }
}

std::string HttpGet(const std::string& address, const std::string& path, const std::string& method) {
  const Client client(address);
  if (!client.connected()) return "";
  client.Send(absl::StrCat(method, " ", path, " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
  return client.ReadAll();
}

}  // namespace mailmesh::service
