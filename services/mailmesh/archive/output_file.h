// A file that is written under one name and shows under another when it is whole. Not synced by itself: an archive of many
// files is synced once, with SyncFileSystemOf.
#ifndef MAILMESH_SERVICES_MAILMESH_ARCHIVE_OUTPUT_FILE_H_
#define MAILMESH_SERVICES_MAILMESH_ARCHIVE_OUTPUT_FILE_H_

#include <absl/status/status.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace mailmesh::archive {

class OutputFile {
 public:
  OutputFile() = default;
  ~OutputFile() { Abandon(); }
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  // Replaces what an earlier run left under this name.
  absl::Status Open(const std::string& path);
  // Buffered.
  absl::Status Write(std::string_view octets);
  uint64_t size() const { return size_; }
  // Goes back to an earlier size().
  absl::Status Truncate(uint64_t size);
  // The modification time; nothing for 0.
  absl::Status SetTime(int64_t seconds);
  absl::Status CloseAs(const std::string& path);
  // Closes and removes it, unless it was closed.
  void Abandon();

 private:
  absl::Status Flush();

  std::string path_;
  int fd_ = -1;
  uint64_t size_ = 0;
  std::string buffer_;
};

// Everything that was written to the file system of `path` is on disk when it returns.
absl::Status SyncFileSystemOf(const std::string& path);

}  // namespace mailmesh::archive

#endif  // MAILMESH_SERVICES_MAILMESH_ARCHIVE_OUTPUT_FILE_H_
