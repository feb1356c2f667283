// What Maildir and mbox archives have in common: a message's octets and what is kept beside them.
#ifndef MAILMESH_SERVICES_MAILMESH_ARCHIVE_MESSAGE_H_
#define MAILMESH_SERVICES_MAILMESH_ARCHIVE_MESSAGE_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mailmesh::archive {

struct MessageFacts {
  // As IMAP names them: "\Seen", "$Forwarded".
  std::vector<std::string> flags;
  // Internal date; 0: not known.
  int64_t date_seconds = 0;
  int32_t zone_minutes = 0;
};

// Whether a store takes the date and its zone: of the years 1 to 9999, and a day at most. An archive may say anything.
inline bool IsStorable(const MessageFacts& facts) {
  constexpr int64_t kFirstSecond = -62'135'596'800, kLastSecond = 253'402'300'799;
  constexpr int32_t kMaxZone = 24 * 60;
  return facts.date_seconds >= kFirstSecond && facts.date_seconds <= kLastSecond && facts.zone_minutes >= -kMaxZone &&
         facts.zone_minutes <= kMaxZone;
}

// How the lines of a file become those of a message, which end with CRLF.
enum class LineEnds {
  kLf,         // every LF stands for CRLF: the exact inverse of what a writer here does
  kAsIs,       // the octets are the message's
  kNormalise,  // a file of others: a bare LF becomes CRLF, a CRLF stays
};

// A message's octets, piece by piece.
class OctetSource {
 public:
  virtual ~OctetSource() = default;
  // Replaces `piece` by the next octets, some 64 KiB; empty at the end.
  virtual absl::Status Next(std::string* piece) = 0;
};

struct ArchivedMessage {
  MessageFacts facts;
  // Names the message in its folder: the same in each run over the same archive.
  std::string key;
  std::unique_ptr<OctetSource> octets;
};

// Reads an archive. Not thread-safe; memory is one piece, and the names of one folder.
class ArchiveReader {
 public:
  using Take = std::function<absl::Status(ArchivedMessage&)>;

  virtual ~ArchiveReader() = default;
  // Mailbox names (UTF-8, "/" between levels), in order.
  virtual std::vector<std::string> Folders() const = 0;
  // Hands over the folder's messages in their order; ends at the first error.
  virtual absl::Status ForEach(const std::string& folder, const Take& take) = 0;
};

// Writes an archive. Flow: BeginFolder, then for each message: Begin, Write..., End; EndFolder, which syncs.
class ArchiveWriter {
 public:
  virtual ~ArchiveWriter() = default;
  // `uid_validity` tells whether messages of an earlier run are the same.
  virtual absl::Status BeginFolder(const std::string& folder, uint32_t uid_validity) = 0;
  // Whether this run has nothing to write for it: an earlier one did. Flags are brought up to date.
  virtual absl::StatusOr<bool> Has(uint32_t uid, const MessageFacts& facts) = 0;
  // `ends`: kLf as a rule; kAsIs for what End() refused.
  virtual absl::Status Begin(uint32_t uid, uint64_t size, const MessageFacts& facts, LineEnds ends) = 0;
  virtual absl::Status Write(std::string_view octets) = 0;
  // False: the message has a bare LF, so that it cannot be kept with LF; nothing is left of it, begin again with kAsIs.
  virtual absl::StatusOr<bool> End() = 0;
  // Drops what Begin began, where its octets do not come.
  virtual void Abandon() = 0;
  virtual absl::Status EndFolder() = 0;
};

}  // namespace mailmesh::archive

#endif  // MAILMESH_SERVICES_MAILMESH_ARCHIVE_MESSAGE_H_
