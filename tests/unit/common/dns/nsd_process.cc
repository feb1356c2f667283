#include "tests/unit/common/dns/nsd_process.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <thread>
#include <vector>

#include "common/net/unique_fd.h"

namespace mailmesh::dns {
namespace {

constexpr char kPeersRoot[] = "build/peers/root";

std::string FindNsd() {
  std::vector<std::string> candidates;
  if (const char* named = std::getenv("MAILMESH_NSD")) candidates.push_back(named);
  candidates.push_back("/usr/sbin/nsd");
  candidates.push_back(std::string(kPeersRoot) + "/usr/sbin/nsd");
  for (const std::string& candidate : candidates) {
    if (access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return "";
}

// A port that is free for UDP and TCP at this moment; NSD cannot choose one by itself.
uint16_t FreePort() {
  net::UniqueFd udp(socket(AF_INET, SOCK_DGRAM, 0));
  sockaddr_storage storage;
  socklen_t size = net::SocketAddress(net::IpAddress::LoopbackV4(), 0).ToNative(&storage);
  bind(udp.get(), reinterpret_cast<sockaddr*>(&storage), size);
  getsockname(udp.get(), reinterpret_cast<sockaddr*>(&storage), &size);
  return net::SocketAddress::FromNative(reinterpret_cast<sockaddr*>(&storage), size).port();
}

}  // namespace

std::unique_ptr<NsdProcess> NsdProcess::Start(const std::map<std::string, std::string>& zones) {
  const std::string nsd = FindNsd();
  if (nsd.empty()) return nullptr;
  auto process = std::unique_ptr<NsdProcess>(new NsdProcess);
  const net::TempFolder& folder = process->folder_;
  process->port_ = FreePort();
  const std::string config = folder / "nsd.conf";
  {
    std::ofstream out(config);
    out << "server:\n  ip-address: 127.0.0.1@" << process->port_ << "\n  username: \"\"\n  database: \"\"\n  zonesdir: \""
        << folder.path()
        << "\"\n  pidfile: \"\"\n  logfile: \"" << (folder / "log") << "\"\n  xfrdfile: \"" << (folder / "xfrd")
        << "\"\n  zonelistfile: \"" << (folder / "zones") << "\"\n  xfrdir: \"" << folder.path()
        << "\"\n  server-count: 1\nremote-control:\n  control-enable: no\n";
    for (const auto& [name, text] : zones) {
      out << "zone:\n  name: \"" << name << "\"\n  zonefile: \"" << name << ".zone\"\n";
      if (text.empty()) {
        out << "  request-xfr: AXFR 127.0.0.1@1 NOKEY\n";
      } else {
        std::ofstream(folder / (name + ".zone")) << text;
      }
    }
  }
  process->pid_ = fork();
  if (process->pid_ == 0) {
    if (nsd.starts_with(kPeersRoot)) {
      setenv("LD_LIBRARY_PATH", (std::string(kPeersRoot) + "/usr/lib/x86_64-linux-gnu").c_str(), 1);
    }
    setpgid(0, 0);  // its children too are ended with it
    execl(nsd.c_str(), nsd.c_str(), "-d", "-c", config.c_str(), nullptr);
    _exit(127);
  }
  setpgid(process->pid_, process->pid_);
  if (!process->WaitUntilItAnswers()) {
    std::ifstream log(folder / "log");
    ADD_FAILURE() << "NSD does not answer: " << std::string(std::istreambuf_iterator<char>(log), {});
  }
  return process;
}

NsdProcess::~NsdProcess() {
  if (pid_ <= 0) return;
  kill(-pid_, SIGTERM);
  waitpid(pid_, nullptr, 0);
}

std::string NsdProcess::address() const { return "127.0.0.1:" + std::to_string(port_); }

// The sockets are there long before somebody reads them: only an answer tells.
bool NsdProcess::WaitUntilItAnswers() const {
  // RFC 1035, 4.1: one question for the SOA of the root, whatever the answer is.
  static constexpr char kQuestion[] = "\0\1\0\0\0\1\0\0\0\0\0\0\0\0\6\0\1";
  for (int i = 0; i < 200; ++i) {
    if (waitpid(pid_, nullptr, WNOHANG) != 0) return false;
    net::UniqueFd fd(socket(AF_INET, SOCK_DGRAM, 0));
    sockaddr_storage storage;
    const socklen_t size = net::SocketAddress(net::IpAddress::LoopbackV4(), port_).ToNative(&storage);
    timeval patience{0, 100'000};
    setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    char answer[512];
    if (connect(fd.get(), reinterpret_cast<sockaddr*>(&storage), size) == 0 &&
        send(fd.get(), kQuestion, sizeof(kQuestion) - 1, 0) > 0 && recv(fd.get(), answer, sizeof(answer), 0) > 0) {
      return true;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

}  // namespace mailmesh::dns
