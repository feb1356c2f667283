// A message's octets out of a file: a range of it, behind a prefix, through the codecs.
#ifndef MAILMESH_SERVICES_MAILMESH_ARCHIVE_FILE_OCTETS_H_
#define MAILMESH_SERVICES_MAILMESH_ARCHIVE_FILE_OCTETS_H_

#include <cstdint>
#include <limits>
#include <memory>
#include <string>

#include "services/mailmesh/archive/line_codec.h"
#include "services/mailmesh/archive/message.h"

namespace mailmesh::archive {

// A file that is open for reading.
class InputFile {
 public:
  static absl::StatusOr<std::shared_ptr<InputFile>> Open(const std::string& path);
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  const std::string& path() const { return path_; }
  uint64_t size() const { return size_; }
  int64_t modified_seconds() const { return modified_seconds_; }
  // Up to `length` octets from `offset`; fewer only at the end of the file.
  absl::Status Read(uint64_t offset, size_t length, std::string* octets) const;

 private:
  InputFile(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}

  std::string path_;
  int fd_;
  uint64_t size_ = 0;
  int64_t modified_seconds_ = 0;
};

struct FileRange {
  uint64_t begin = 0;
  uint64_t end = 0;
};

class FileOctets final : public OctetSource {
 public:
  struct Options {
    LineEnds ends = LineEnds::kNormalise;
    bool unquote_from = false;
    // Octets of the file's kind that come before the range.
    std::string prefix;
    // The message has no more octets than this: what follows belongs to the archive.
    uint64_t limit = std::numeric_limits<uint64_t>::max();
  };
  // The file is shared with the archive's reader and its other messages.
  FileOctets(std::shared_ptr<const InputFile> file, FileRange range, Options options);
  absl::Status Next(std::string* piece) override;

 private:
  absl::Status NextRaw(std::string* octets);

  std::shared_ptr<const InputFile> file_;
  FileRange range_;
  Options options_;
  FromQuoter unquoter_{FromQuoter::Mode::kUnquote};
  LfToCrlf codec_;
  bool ended_ = false;
  uint64_t given_ = 0;
};

}  // namespace mailmesh::archive

#endif  // MAILMESH_SERVICES_MAILMESH_ARCHIVE_FILE_OCTETS_H_
