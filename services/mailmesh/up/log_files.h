// The logs of a mesh on one machine, kept in DIR/log for `mailmesh trace`: one file per process, and older ones beside it
// (NAME.log, NAME.log.1, ... the greatest number is the oldest).
//
// Not thread-safe. A disk that is full costs log lines and nothing else.
#ifndef MAILMESH_SERVICES_MAILMESH_UP_LOG_FILES_H_
#define MAILMESH_SERVICES_MAILMESH_UP_LOG_FILES_H_

#include <absl/status/statusor.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mailmesh::up {

struct LogLimits {
  uint64_t file_bytes = 16 << 20;  // a file that has reached it gives way to a new one
  int files = 4;                   // of one process, the current one included
};

// One process's log, rotated by size.
class LogFile {
 public:
  LogFile(std::string path, LogLimits limits) : path_(std::move(path)), limits_(limits) {}
  ~LogFile();
  LogFile(LogFile&& other) noexcept;
  LogFile& operator=(LogFile&&) = delete;

  // Appends what came. Files change only between lines.
  void Append(std::string_view octets);

 private:
  bool Open();
  void Write(std::string_view octets);
  void Rotate();

  std::string path_;
  LogLimits limits_;
  int fd_ = -1;
  uint64_t size_ = 0;
};

// Reads what a process prints, keeps it in its file, and passes it on to our standard error. A reader of ours that does not
// read is waited for once, and then misses what it does not take: the roles must not wait for a terminal.
class LogPipe {
 public:
  static absl::StatusOr<LogPipe> Open(std::string path, LogLimits limits);
  ~LogPipe();
  LogPipe(LogPipe&& other) noexcept;
  LogPipe& operator=(LogPipe&&) = delete;

  int read_end() const { return read_end_; }
  // For the process; stays open over its restarts.
  int write_end() const { return write_end_; }
  // Takes what is there now, up to 1 MiB.
  void Drain();

 private:
  LogPipe(int read_end, int write_end, LogFile file)
      : read_end_(read_end), write_end_(write_end), file_(std::move(file)) {}

  int read_end_;
  int write_end_;
  LogFile file_;
};

// All files of DIR/log: of each process the oldest first.
std::vector<std::string> ListLogFiles(const std::string& folder);

}  // namespace mailmesh::up

#endif  // MAILMESH_SERVICES_MAILMESH_UP_LOG_FILES_H_
