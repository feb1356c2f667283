// The progress of long work, on a terminal: one line that is written over. Nothing where standard error is no terminal.
#ifndef MAILMESH_SERVICES_MAILMESH_CLI_PROGRESS_H_
#define MAILMESH_SERVICES_MAILMESH_CLI_PROGRESS_H_

#include <absl/time/time.h>

#include <cstdint>
#include <string>

namespace mailmesh::cli {

class Progress {
 public:
  explicit Progress(std::string verb);
  // Clears the line, so that what comes after stands by itself.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // What is worked on: a mailbox. `total` 0: not known.
  void Begin(const std::string& what, uint64_t total);
  void Add(uint64_t messages, uint64_t octets);

  uint64_t messages() const { return messages_; }
  uint64_t octets() const { return octets_; }

 private:
  void Show();

  const std::string verb_;
  const bool terminal_;
  const absl::Time start_;
  absl::Time shown_ = absl::InfinitePast();
  std::string what_;
  uint64_t total_ = 0;
  uint64_t here_ = 0;  // messages since Begin
  uint64_t messages_ = 0;
  uint64_t octets_ = 0;
};

}  // namespace mailmesh::cli

#endif  // MAILMESH_SERVICES_MAILMESH_CLI_PROGRESS_H_
