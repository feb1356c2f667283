#include "services/mailmesh/archive/file_octets.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"

namespace mailmesh::archive {
namespace {

constexpr size_t kPiece = 64 << 10;
constexpr uint64_t kNoLimit = std::numeric_limits<uint64_t>::max();

}  // namespace

absl::StatusOr<std::shared_ptr<InputFile>> InputFile::Open(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return base::ErrnoStatus(errno, path);
  std::shared_ptr<InputFile> file(new InputFile(path, fd));
  struct stat info {};
  if (fstat(fd, &info) != 0) return base::ErrnoStatus(errno, path);
  if (!S_ISREG(info.st_mode)) return absl::InvalidArgumentError(absl::StrCat(path, " is no regular file"));
  file->size_ = static_cast<uint64_t>(info.st_size);
  file->modified_seconds_ = info.st_mtime;
  return file;
}

InputFile::~InputFile() { close(fd_); }

absl::Status InputFile::Read(uint64_t offset, size_t length, std::string* octets) const {
  octets->resize(length);
  size_t done = 0;
  while (done < length) {
    const ssize_t size = pread(fd_, octets->data() + done, length - done, static_cast<off_t>(offset + done));
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return base::ErrnoStatus(errno, path_);
    if (size == 0) break;
    done += static_cast<size_t>(size);
  }
  octets->resize(done);
  return absl::OkStatus();
}

FileOctets::FileOctets(std::shared_ptr<const InputFile> file, FileRange range, Options options)
    : file_(std::move(file)), range_(range), options_(std::move(options)), codec_(options_.ends) {}

absl::Status FileOctets::NextRaw(std::string* octets) {
  if (!options_.prefix.empty()) {
    octets->swap(options_.prefix);
    options_.prefix.clear();
    return absl::OkStatus();
  }
  const auto length = static_cast<size_t>(std::min<uint64_t>(kPiece, range_.end - range_.begin));
  RETURN_IF_ERROR(file_->Read(range_.begin, length, octets));
  if (octets->size() < length) return absl::DataLossError(absl::StrCat(file_->path(), " became shorter while it was read"));
  range_.begin += length;
  return absl::OkStatus();
}

absl::Status FileOctets::Next(std::string* piece) {
  piece->clear();
  std::string raw, unquoted;
  while (piece->empty() && !ended_ && given_ < options_.limit) {
    RETURN_IF_ERROR(NextRaw(&raw));
    ended_ = raw.empty();
    if (!options_.unquote_from) {
      codec_.Feed(raw, piece);
      continue;
    }
    unquoted.clear();
    unquoter_.Feed(raw, &unquoted);
    if (ended_) unquoter_.Finish(&unquoted);
    codec_.Feed(unquoted, piece);
  }
  if (piece->size() > options_.limit - given_) piece->resize(static_cast<size_t>(options_.limit - given_));
  given_ += piece->size();
  if (ended_ && piece->empty() && given_ < options_.limit && options_.limit != kNoLimit) {
    return absl::DataLossError(absl::StrCat(file_->path(), ": a message is shorter than the archive says"));
  }
  return absl::OkStatus();
}

}  // namespace mailmesh::archive
