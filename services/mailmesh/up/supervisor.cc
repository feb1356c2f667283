#include "services/mailmesh/up/supervisor.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <iostream>
#include <map>
#include <set>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/base/file.h"
#include "common/base/status.h"
#include "common/net/listen_socket.h"
#include "common/telemetry/log.h"
#include "services/mailmesh/up/child.h"
#include "services/mailmesh/up/identity.h"
#include "services/mailmesh/up/log_files.h"
#include "services/mailmesh/up/notify_socket.h"
#include "services/mailmesh/up/program.h"
#include "services/mailmesh/up/roles.h"

namespace mailmesh::up {
namespace {

constexpr absl::Duration kStartLimit = absl::Seconds(60);
constexpr absl::Duration kStopLimit = absl::Seconds(30);
constexpr absl::Duration kRenewalInterval = absl::Hours(1);

class Supervisor {
 public:
  explicit Supervisor(UpOptions options) : options_(std::move(options)) {}

  absl::Status Prepare();
  absl::Status Run();

 private:
  // Tells the user, and the mesh's log.
  void Say(const std::string& line) const;
  absl::Status OpenListeners();
  absl::Status AddChildren(const Role& role);
  // Starts the instances of one role and waits until they serve. OK also when a signal came in between.
  absl::Status StartRole(const Role& role);
  absl::Status WriteEndpoints() const;
  void PrintReady() const;
  // Waits for a signal, a message or the next start that is due, and handles it.
  void Step(absl::Time until);
  void ReapChildren();
  void StartDueChildren();
  void DrainLogs();
  // Certificates that are due, each hour and with SIGHUP; the roles read them again by themselves. What fails is tried again.
  void RenewIdentities();
  // Makes and renews what is due, and says so. Whether something has changed.
  absl::StatusOr<bool> EnsureCertificates();
  void StopAll();
  void StopRole(const std::string& role, absl::Time limit);
  std::vector<Child*> InstancesOf(const std::string& role);

  UpOptions options_;
  Layout layout_;
  AddressMap addresses_;
  std::map<std::string, net::ListenSocket> listeners_;  // by port name
  std::vector<std::pair<std::string, Child>> children_;  // role and child, in the order of start
  std::unique_ptr<NotifySocket> notify_;
  // By instance. What a role prints comes through here.
  std::map<std::string, LogPipe> logs_;
  std::unique_ptr<LogFile> own_log_;
  absl::Time next_renewal_ = absl::InfiniteFuture();
  std::vector<std::string> certificate_notes_;  // as they were said last
  int signals_ = -1;
  bool stopping_ = false;
  bool fast_ = false;
};

absl::Status Supervisor::Prepare() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGCHLD}) sigaddset(&set, number);
  sigprocmask(SIG_BLOCK, &set, nullptr);
  signals_ = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  if (signals_ < 0) return base::ErrnoStatus(errno, "signalfd");
  // Whoever reads what we print may go away; the mesh stays.
  std::signal(SIGPIPE, SIG_IGN);

  ASSIGN_OR_RETURN(layout_, PrepareLayout(options_.dir));
  own_log_ = std::make_unique<LogFile>(layout_.log() + "/mailmesh.log", options_.log);
  RETURN_IF_ERROR(EnsureCertificates());
  next_renewal_ = absl::Now() + kRenewalInterval;
  ASSIGN_OR_RETURN(addresses_, ChooseAddresses(layout_, options_));
  RETURN_IF_ERROR(OpenListeners());
  ASSIGN_OR_RETURN(NotifySocket notify, NotifySocket::Open(layout_.run + "/notify"));
  notify_ = std::make_unique<NotifySocket>(std::move(notify));
  for (const Role& role : Roles()) RETURN_IF_ERROR(AddChildren(role));
  return absl::OkStatus();
}

absl::StatusOr<bool> Supervisor::EnsureCertificates() {
  std::set<std::string> roles = {"operator"};
  for (const Role& role : Roles()) roles.insert(role.name);
  ASSIGN_OR_RETURN(const pki::Renewal renewal, EnsureIdentities(layout_, options_.hostname, roles));
  for (const std::string& line : renewal.changes) Say("certificates: " + line);
  // Each hour the same would be no news.
  if (renewal.notes != certificate_notes_) {
    for (const std::string& line : renewal.notes) Say("certificates: note: " + line);
  }
  certificate_notes_ = renewal.notes;
  return !renewal.changes.empty();
}

void Supervisor::RenewIdentities() {
  if (absl::Now() < next_renewal_) return;
  next_renewal_ = absl::Now() + kRenewalInterval;
  const absl::StatusOr<bool> changed = EnsureCertificates();
  if (!changed.ok()) {
    Say(absl::StrCat("certificates cannot be renewed: ", changed.status().message()));
    return;
  }
  // The protocol ports look at their files once a minute by themselves.
  if (*changed) {
    for (auto& [role, child] : children_) child.Signal(SIGHUP);
  }
}

absl::Status Supervisor::OpenListeners() {
  for (const Role& role : Roles()) {
    for (const ProtocolPort& port : role.ports) {
      const uint16_t number = options_.port_base == 0 ? 0 : static_cast<uint16_t>(options_.port_base + port.well_known);
      auto socket = net::ListenSocket::Bind(net::Endpoint::Tcp("127.0.0.1", number));
      if (!socket.ok()) return base::Annotate(socket.status(), absl::StrCat("port for ", port.name));
      listeners_.emplace(port.name, std::move(*socket));
    }
  }
  return absl::OkStatus();
}

absl::Status Supervisor::AddChildren(const Role& role) {
  const auto found = options_.replicas.find(role.name);
  const int count = found == options_.replicas.end() ? 1 : found->second;
  for (int replica = 0; replica < count; ++replica) {
    ChildSpec spec;
    spec.name = InstanceName(role.name, replica);
    spec.program = RoleProgram(role.name);
    spec.notify_socket = layout_.run + "/notify";
    spec.endpoints_file = absl::StrCat(layout_.run, "/", spec.name, ".endpoints");
    ASSIGN_OR_RETURN(spec.config_file, WriteRoleConfig(layout_, options_, addresses_, role.name, replica));
    for (const ProtocolPort& port : role.ports) spec.listeners.emplace_back(port.name, listeners_.at(port.name).fd());
    ASSIGN_OR_RETURN(LogPipe pipe, LogPipe::Open(absl::StrCat(layout_.log(), "/", spec.name, ".log"), options_.log));
    spec.output = pipe.write_end();
    logs_.emplace(spec.name, std::move(pipe));
    children_.emplace_back(role.name, Child(std::move(spec)));
  }
  return absl::OkStatus();
}

void Supervisor::Say(const std::string& line) const {
  std::cout << "mailmesh up: " << line << std::endl;
  own_log_->Append(telemetry::FormatLogLine(telemetry::LogFormat::kText, "mailmesh", absl::Now(), telemetry::Level::kInfo,
                                            "supervisor", {{"text", line}}) +
                   "\n");
}

std::vector<Child*> Supervisor::InstancesOf(const std::string& role) {
  std::vector<Child*> found;
  for (auto& [name, child] : children_) {
    if (name == role) found.push_back(&child);
  }
  return found;
}

absl::Status Supervisor::StartRole(const Role& role) {
  const std::vector<Child*> instances = InstancesOf(role.name);
  for (Child* child : instances) RETURN_IF_ERROR(child->Start(absl::Now()));
  const absl::Time start = absl::Now();
  absl::Time limit = start + kStartLimit;
  const auto serves = [](const Child* child) { return child->ready(); };
  while (!stopping_ && !std::all_of(instances.begin(), instances.end(), serves)) {
    // A large database may take long to open: a process that is at it says so, again and again.
    for (const Child* child : instances) limit = std::max(limit, child->needs_until());
    if (absl::Now() > limit) {
      return absl::DeadlineExceededError(absl::StrCat(role.name, " does not serve after ",
                                                      absl::FormatDuration(absl::Trunc(absl::Now() - start, absl::Seconds(1))),
                                                      "; its log above says why"));
    }
    // A first start that fails at once is a mistake in the configuration: starting again would not help.
    if (std::any_of(instances.begin(), instances.end(), [](const Child* child) { return !child->running(); })) {
      return absl::FailedPreconditionError(absl::StrCat(role.name, " ended while starting; its log above says why"));
    }
    Step(limit);
  }
  return absl::OkStatus();
}

absl::Status Supervisor::WriteEndpoints() const {
  std::map<std::string, std::string> endpoints;
  for (const auto& [name, socket] : listeners_) endpoints[name] = socket.endpoint().ToString();
  for (const auto& [instance, chosen] : addresses_) {
    endpoints[instance + ".grpc"] = chosen.grpc;
    endpoints[instance + ".admin"] = chosen.admin;
  }
  // The values are addresses and paths; a path may need escaping.
  std::string json = "{";
  for (const auto& [name, address] : endpoints) {
    std::string escaped;
    for (const char c : address) {
      if (c == '"' || c == '\\') escaped += '\\';
      escaped += c;
    }
    absl::StrAppend(&json, json.size() > 1 ? ",\n " : "\n ", "\"", name, "\": \"", escaped, "\"");
  }
  json += "\n}\n";
  return base::WriteFileAtomically(layout_.endpoints(), json);
}

void Supervisor::PrintReady() const {
  for (const auto& [name, socket] : listeners_) Say(absl::StrCat("  ", name, " on ", socket.endpoint().ToString()));
  Say(absl::StrCat("certificates are from ", layout_.authority()));
  Say("log-in without TLS is allowed, on loopback only");
  std::cout << "ready" << std::endl;
}

void Supervisor::Step(absl::Time until) {
  for (const auto& [role, child] : children_) {
    if (!child.running() && !stopping_ && child.next_start() != absl::InfinitePast()) until = std::min(until, child.next_start());
  }
  const absl::Duration wait = std::clamp(until - absl::Now(), absl::ZeroDuration(), absl::Seconds(60));
  std::vector<pollfd> polled = {{signals_, POLLIN, 0}, {notify_->fd(), POLLIN, 0}};
  for (const auto& [instance, log] : logs_) polled.push_back({log.read_end(), POLLIN, 0});
  poll(polled.data(), polled.size(), static_cast<int>(absl::ToInt64Milliseconds(wait)) + 1);
  DrainLogs();
  while (const auto message = notify_->Next()) {
    for (auto& [role, child] : children_) {
      if (child.pid() != message->process) continue;
      if (message->ready) child.SetReady();
      if (message->more_time > absl::ZeroDuration()) child.NeedsUntil(absl::Now() + message->more_time);
    }
  }
  signalfd_siginfo info;
  while (read(signals_, &info, sizeof(info)) == static_cast<ssize_t>(sizeof(info))) {
    if (info.ssi_signo == SIGCHLD) continue;  // reaped below; several may come as one
    if (info.ssi_signo == SIGHUP) {
      for (auto& [role, child] : children_) child.Signal(SIGHUP);
      next_renewal_ = absl::InfinitePast();
      continue;
    }
    fast_ = stopping_;  // a second signal: no more waiting
    stopping_ = true;
  }
  ReapChildren();
}

void Supervisor::DrainLogs() {
  for (auto& [instance, log] : logs_) log.Drain();
}

void Supervisor::ReapChildren() {
  int status = 0;
  for (pid_t pid = 0; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
    for (auto& [role, child] : children_) {
      if (child.pid() != pid) continue;
      const std::string line = child.Ended(status, absl::Now());
      if (!stopping_) Say(line);
    }
  }
}

void Supervisor::StartDueChildren() {
  for (auto& [role, child] : children_) {
    if (!child.DueToStart(absl::Now())) continue;
    if (const absl::Status status = child.Start(absl::Now()); status.ok()) {
      Say(absl::StrCat(child.name(), " started again as process ", child.pid()));
    } else {
      Say(absl::StrCat(child.name(), ": ", status.message()));
    }
  }
}

void Supervisor::StopRole(const std::string& role, absl::Time limit) {
  const std::vector<Child*> instances = InstancesOf(role);
  const auto running = [](const Child* child) { return child->running(); };
  for (Child* child : instances) child->Signal(SIGTERM);
  while (std::any_of(instances.begin(), instances.end(), running)) {
    if (fast_ || absl::Now() > limit) {
      for (Child* child : instances) child->Signal(SIGKILL);
    }
    Step(std::min(limit, absl::Now() + absl::Seconds(1)));
  }
  DrainLogs();  // the last words
}

void Supervisor::StopAll() {
  stopping_ = true;
  const absl::Time limit = absl::Now() + kStopLimit;
  for (auto role = Roles().rbegin(); role != Roles().rend(); ++role) StopRole(role->name, limit);
  std::error_code error;
  std::filesystem::remove(layout_.endpoints(), error);
}

absl::Status Supervisor::Run() {
  absl::Status status;
  for (const Role& role : Roles()) {
    if (stopping_) break;
    status = StartRole(role);
    if (!status.ok()) break;
  }
  if (status.ok() && !stopping_) status = WriteEndpoints();
  if (status.ok() && !stopping_) PrintReady();
  while (status.ok() && !stopping_) {
    Step(absl::InfiniteFuture());
    if (stopping_) break;
    StartDueChildren();
    RenewIdentities();
  }
  StopAll();
  Say("stopped");
  return status;
}

}  // namespace

absl::Status RunMesh(UpOptions options) {
  Supervisor supervisor(std::move(options));
  RETURN_IF_ERROR(supervisor.Prepare());
  return supervisor.Run();
}

}  // namespace mailmesh::up
