// Any file is an mbox file or is refused: the messages lie inside it one after the other, none is larger than what stands there can
// become, and their dates and zones are some that a store takes.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "services/mailmesh/archive/mbox.h"

using namespace mailmesh::archive;

namespace {

// A file in memory, the same for all inputs.
const std::string& PathOf(const uint8_t* data, size_t size) {
  static const int fd = memfd_create("mbox", MFD_CLOEXEC);
  static const std::string path = absl::StrCat("/proc/self/fd/", fd);
  if (ftruncate(fd, 0) != 0 || pwrite(fd, data, size, 0) != static_cast<ssize_t>(size)) std::abort();
  return path;
}

// Where a message begins and how long it is, in the file: "begin+length".
uint64_t EndOf(const std::string& key, uint64_t before) {
  const std::pair<std::string, std::string> parts = absl::StrSplit(key, absl::MaxSplits('+', 1));
  uint64_t begin = 0;
  uint64_t length = 0;
  if (!absl::SimpleAtoi(parts.first, &begin) || !absl::SimpleAtoi(parts.second, &length) || begin < before) std::abort();
  return begin + length;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto reader = OpenMbox(PathOf(data, size), "box");
  if (!reader.ok()) std::abort();
  uint64_t end = 0;
  const absl::Status status = (*reader)->ForEach("box", [&](ArchivedMessage& message) -> absl::Status {
    const uint64_t begin = end;
    end = EndOf(message.key, begin);
    if (end > size || !IsStorable(message.facts)) std::abort();
    uint64_t octets = 0;
    for (std::string piece = "x"; !piece.empty();) {
      if (absl::Status next = message.octets->Next(&piece); !next.ok()) return next;
      octets += piece.size();
    }
    // Every LF may become CRLF.
    if (octets > 2 * (end - begin)) std::abort();
    return absl::OkStatus();
  });
  if (!status.ok() && !absl::IsInvalidArgument(status) && !absl::IsDataLoss(status)) std::abort();
  return 0;
}
