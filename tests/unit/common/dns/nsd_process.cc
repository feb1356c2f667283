#include "tests/unit/common/dns/nsd_process.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iostream>
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

bool BindTo(int type, sockaddr_storage* storage, socklen_t* size, net::UniqueFd* fd) {
  *fd = net::UniqueFd(socket(AF_INET, type, 0));
  return bind(fd->get(), reinterpret_cast<sockaddr*>(storage), *size) == 0 &&
         getsockname(fd->get(), reinterpret_cast<sockaddr*>(storage), size) == 0;
}

// A port that is free for UDP and TCP at this moment; NSD cannot choose one by itself.
uint16_t FreePort() {
  for (int i = 0; i < 100; ++i) {
    sockaddr_storage storage;
    socklen_t size = net::SocketAddress(net::IpAddress::LoopbackV4(), 0).ToNative(&storage);
    net::UniqueFd tcp;
    net::UniqueFd udp;
    if (!BindTo(SOCK_STREAM, &storage, &size, &tcp) || !BindTo(SOCK_DGRAM, &storage, &size, &udp)) continue;
    return net::SocketAddress::FromNative(reinterpret_cast<sockaddr*>(&storage), size).port();
  }
  return 0;
}

}  // namespace

std::unique_ptr<NsdProcess> NsdProcess::Start(const std::map<std::string, std::string>& zones) {
  const std::string nsd = FindNsd();
  if (nsd.empty()) return nullptr;
  // Somebody else may take the port between the choice and NSD's own bind.
  for (int attempt = 0; attempt < 5; ++attempt) {
    auto process = std::unique_ptr<NsdProcess>(new NsdProcess);
    process->Launch(nsd, process->WriteConfig(zones));
    if (process->WaitUntilItAnswers()) return process;
    std::ifstream log(process->folder_ / "log");
    std::cerr << "NSD does not answer: " << std::string(std::istreambuf_iterator<char>(log), {}) << "\n";
  }
  ADD_FAILURE() << "NSD cannot be started";
  return nullptr;
}

std::string NsdProcess::WriteConfig(const std::map<std::string, std::string>& zones) {
  port_ = FreePort();
  const std::string config = folder_ / "nsd.conf";
  std::ofstream out(config);
  out << "server:\n  ip-address: 127.0.0.1@" << port_ << "\n  username: \"\"\n  database: \"\"\n  zonesdir: \""
      << folder_.path() << "\"\n  pidfile: \"\"\n  logfile: \"" << (folder_ / "log") << "\"\n  xfrdfile: \""
      << (folder_ / "xfrd") << "\"\n  zonelistfile: \"" << (folder_ / "zones") << "\"\n  xfrdir: \"" << folder_.path()
      << "\"\n  server-count: 1\n  rrl-ratelimit: 0\nremote-control:\n  control-enable: no\n";
  for (const auto& [name, text] : zones) {
    out << "zone:\n  name: \"" << name << "\"\n  zonefile: \"" << name << ".zone\"\n";
    if (text.empty()) {
      out << "  request-xfr: AXFR 127.0.0.1@1 NOKEY\n";
    } else {
      std::ofstream(folder_ / (name + ".zone")) << text;
    }
  }
  return config;
}

void NsdProcess::Launch(const std::string& nsd, const std::string& config) {
  pid_ = fork();
  if (pid_ == 0) {
    if (nsd.starts_with(kPeersRoot)) {
      setenv("LD_LIBRARY_PATH", (std::string(kPeersRoot) + "/usr/lib/x86_64-linux-gnu").c_str(), 1);
    }
    setpgid(0, 0);  // its children too are ended with it
    execl(nsd.c_str(), nsd.c_str(), "-d", "-c", config.c_str(), nullptr);
    _exit(127);
  }
  setpgid(pid_, pid_);
}

NsdProcess::~NsdProcess() {
  if (pid_ <= 0) return;
  kill(-pid_, SIGTERM);
  waitpid(pid_, nullptr, 0);
}

std::string NsdProcess::address() const { return "127.0.0.1:" + std::to_string(port_); }

// The sockets are there long before somebody reads them: only an answer tells.
bool NsdProcess::WaitUntilItAnswers() {
  // RFC 1035, 4.1: one question for the SOA of the root, whatever the answer is.
  static constexpr char kQuestion[] = "\0\1\0\0\0\1\0\0\0\0\0\0\0\0\6\0\1";
  for (int i = 0; i < 200; ++i) {
    if (waitpid(pid_, nullptr, WNOHANG) != 0) {
      pid_ = -1;
      return false;
    }
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
