#include "services/mailmesh/up/log_files.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"

namespace mailmesh::up {
namespace {

constexpr size_t kMostAtOnce = 1 << 20;
// What poll(2) calls writable takes this much without waiting (PIPE_BUF).
constexpr size_t kPiece = 4096;
constexpr int kPatienceMs = 1000;

// Standard error of this process.
void PassOn(std::string_view octets) {
  static bool reader_sleeps = false;
  while (!octets.empty()) {
    pollfd out{STDERR_FILENO, POLLOUT, 0};
    if (poll(&out, 1, reader_sleeps ? 0 : kPatienceMs) <= 0 || (out.revents & POLLOUT) == 0) {
      reader_sleeps = true;
      return;
    }
    reader_sleeps = false;
    const ssize_t written = write(STDERR_FILENO, octets.data(), std::min(octets.size(), kPiece));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    octets.remove_prefix(static_cast<size_t>(written));
  }
}

// "imap_gateway.1.log.3" -> 3; the current file is 0.
int Age(const std::filesystem::path& path) {
  const std::string extension = path.extension().string();
  return extension == ".log" ? 0 : std::atoi(extension.c_str() + 1);
}

}  // namespace

LogFile::~LogFile() {
  if (fd_ >= 0) close(fd_);
}

LogFile::LogFile(LogFile&& other) noexcept
    : path_(std::move(other.path_)),
      limits_(other.limits_),
      fd_(std::exchange(other.fd_, -1)),
      size_(other.size_) {}

void LogFile::Append(std::string_view octets) {
  while (!octets.empty()) {
    if (fd_ < 0 && !Open()) return;
    // The line that reaches the limit is the last of its file.
    size_t take = octets.size();
    if (size_ + take > limits_.file_bytes) {
      const uint64_t room = size_ < limits_.file_bytes ? limits_.file_bytes - size_ : 0;
      const size_t line_end = octets.find('\n', room > 0 ? room - 1 : 0);
      if (line_end != std::string_view::npos) take = line_end + 1;
    }
    Write(octets.substr(0, take));
    const bool line_ended = octets[take - 1] == '\n';
    octets.remove_prefix(take);
    if (line_ended && size_ >= limits_.file_bytes) Rotate();
  }
}

bool LogFile::Open() {
  fd_ = open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  struct stat info {};
  if (fd_ < 0 || fstat(fd_, &info) != 0) return false;
  size_ = static_cast<uint64_t>(info.st_size);
  return true;
}

void LogFile::Write(std::string_view octets) {
  while (!octets.empty()) {
    const ssize_t written = write(fd_, octets.data(), octets.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    size_ += static_cast<uint64_t>(written);
    octets.remove_prefix(static_cast<size_t>(written));
  }
}

void LogFile::Rotate() {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
  size_ = 0;
  if (limits_.files <= 1) {
    unlink(path_.c_str());
    return;
  }
  for (int age = limits_.files - 2; age > 0; --age) {
    std::rename(absl::StrCat(path_, ".", age).c_str(), absl::StrCat(path_, ".", age + 1).c_str());
  }
  std::rename(path_.c_str(), absl::StrCat(path_, ".1").c_str());
}

absl::StatusOr<LogPipe> LogPipe::Open(std::string path, LogLimits limits) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return base::ErrnoStatus(errno, "pipe");
  fcntl(ends[0], F_SETFL, O_NONBLOCK);
  return LogPipe(ends[0], ends[1], LogFile(std::move(path), limits));
}

LogPipe::~LogPipe() {
  if (read_end_ >= 0) close(read_end_);
  if (write_end_ >= 0) close(write_end_);
}

LogPipe::LogPipe(LogPipe&& other) noexcept
    : read_end_(std::exchange(other.read_end_, -1)),
      write_end_(std::exchange(other.write_end_, -1)),
      file_(std::move(other.file_)) {}

void LogPipe::Drain() {
  char buffer[65536];
  for (size_t taken = 0; taken < kMostAtOnce;) {
    const ssize_t size = read(read_end_, buffer, sizeof(buffer));
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return;
    const std::string_view octets(buffer, static_cast<size_t>(size));
    file_.Append(octets);
    PassOn(octets);
    taken += octets.size();
  }
}

std::vector<std::string> ListLogFiles(const std::string& folder) {
  std::vector<std::filesystem::path> found;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (entry.path().filename().string().find(".log") != std::string::npos) found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) {
    const std::string a_name = a.string().substr(0, a.string().rfind(".log"));
    const std::string b_name = b.string().substr(0, b.string().rfind(".log"));
    return a_name != b_name ? a_name < b_name : Age(a) > Age(b);
  });
  std::vector<std::string> names;
  for (const auto& path : found) names.push_back(path.string());
  return names;
}

}  // namespace mailmesh::up
