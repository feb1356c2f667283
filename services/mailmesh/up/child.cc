#include "services/mailmesh/up/child.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/status.h"

namespace mailmesh::up {
namespace {

constexpr absl::Duration kFirstDelay = absl::Milliseconds(100);
constexpr absl::Duration kLongestDelay = absl::Seconds(30);
// A process that lived this long starts again with the first delay.
constexpr absl::Duration kLongLife = absl::Seconds(10);

// Puts the listeners at 3, 4, ... as sd_listen_fds(3) has it. Runs in the child: the originals are moved above the
// target range first, so that none is overwritten before it is copied.
void PlaceListeners(std::vector<int> descriptors) {
  const int floor = 3 + static_cast<int>(descriptors.size());
  for (int& fd : descriptors) {
    fd = fcntl(fd, F_DUPFD, floor);
    if (fd < 0) _exit(126);
  }
  for (size_t i = 0; i < descriptors.size(); ++i) {
    if (dup2(descriptors[i], 3 + static_cast<int>(i)) < 0) _exit(126);
    close(descriptors[i]);
  }
}

}  // namespace

absl::Status Child::Start(absl::Time now) {
  std::vector<std::string> names;
  std::vector<int> descriptors;
  for (const auto& [name, fd] : spec_.listeners) {
    names.push_back(name);
    descriptors.push_back(fd);
  }
  const pid_t parent = getpid();
  const pid_t pid = fork();  // the supervisor has one thread, so the child may allocate
  if (pid < 0) return base::ErrnoStatus(errno, "fork");
  if (pid == 0) {
    // The mesh does not outlive its supervisor, however that one ends.
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) _exit(126);
    setpgid(0, 0);  // Ctrl-C at the terminal reaches the supervisor only, which stops the roles in order
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    if (spec_.output >= 0 && (dup2(spec_.output, STDOUT_FILENO) < 0 || dup2(spec_.output, STDERR_FILENO) < 0)) _exit(126);
    PlaceListeners(descriptors);
    if (descriptors.empty()) {
      unsetenv("LISTEN_FDS");
    } else {
      setenv("LISTEN_PID", std::to_string(getpid()).c_str(), 1);
      setenv("LISTEN_FDS", std::to_string(descriptors.size()).c_str(), 1);
      setenv("LISTEN_FDNAMES", absl::StrJoin(names, ":").c_str(), 1);
    }
    setenv("NOTIFY_SOCKET", spec_.notify_socket.c_str(), 1);
    setenv("MAILMESH_ENDPOINTS_FILE", spec_.endpoints_file.c_str(), 1);
    execl(spec_.program.c_str(), spec_.program.c_str(), "--config", spec_.config_file.c_str(), nullptr);
    const std::string error = absl::StrCat("mailmesh: ", spec_.program, ": ", std::strerror(errno), "\n");
    [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, error.data(), error.size());
    _exit(127);
  }
  pid_ = pid;
  started_ = now;
  ready_ = false;
  return absl::OkStatus();
}

std::string Child::Ended(int wait_status, absl::Time now) {
  const std::string how = WIFSIGNALED(wait_status)
                              ? absl::StrCat("died by signal ", WTERMSIG(wait_status), " (", strsignal(WTERMSIG(wait_status)), ")")
                              : absl::StrCat("ended with code ", WEXITSTATUS(wait_status));
  const pid_t pid = pid_;
  pid_ = -1;
  ready_ = false;
  if (delay_ == absl::ZeroDuration() || now - started_ >= kLongLife) {
    delay_ = kFirstDelay;
  } else {
    delay_ = std::min(delay_ * 2, kLongestDelay);
  }
  next_start_ = now + delay_;
  return absl::StrCat(spec_.name, " (process ", pid, ") ", how, "; starting again in ", absl::FormatDuration(delay_));
}

void Child::Signal(int signal_number) const {
  if (pid_ > 0) kill(pid_, signal_number);
}

}  // namespace mailmesh::up
