// mbox archives, in the mboxrd form: "From " lines between the messages, lines that look like one quoted by ">". A folder of
// files, NAME.mbox each, levels of names as folders ("Work/2024" is Work/2024.mbox); or one file, whose folder the user names.
//
// Beside what other programs know (Status, X-Status, X-Keywords) each message that is written here begins with a field of
// its own, X-Mailmesh-Export, which has what makes reading it back exact: the number of lines that were put on top, of
// octets, the line ends, the date with its zone, all flags. Reading takes what was put on top away again.
// https://www.digitalpreservation.gov/formats/fdd/fdd000385.shtml (mboxrd)
#ifndef MAILMESH_SERVICES_MAILMESH_ARCHIVE_MBOX_H_
#define MAILMESH_SERVICES_MAILMESH_ARCHIVE_MBOX_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "services/mailmesh/archive/message.h"

namespace mailmesh::archive {

// "Work/2024.mbox" for "Work/2024". What a file's name cannot hold ("%", a "." at the start, controls) is written %41.
absl::StatusOr<std::string> MboxFileName(std::string_view mailbox);
// And back; the path is relative to the archive's folder.
std::string MailboxOfMboxFile(std::string_view path);

// The value of X-Mailmesh-Export.
struct MboxMarker {
  uint64_t lines = 0;  // on top of the message, this one included
  uint64_t octets = 0;
  LineEnds ends = LineEnds::kLf;
  MessageFacts facts;
};
inline constexpr std::string_view kMboxMarkerName = "X-Mailmesh-Export";
std::string FormatMboxMarker(const MboxMarker& marker);
std::optional<MboxMarker> ParseMboxMarker(std::string_view value);

// The date of "From x@y.test Sat Mar  1 12:00:00 2026", taken as UTC; 0 where there is none.
int64_t DateOfFromLine(std::string_view line);

// `folder`: for a single file, the mailbox that its messages are of.
absl::StatusOr<std::unique_ptr<ArchiveReader>> OpenMbox(const std::string& path, const std::string& folder);
// Writes every folder's file anew.
std::unique_ptr<ArchiveWriter> MakeMboxWriter(const std::string& path);

}  // namespace mailmesh::archive

#endif  // MAILMESH_SERVICES_MAILMESH_ARCHIVE_MBOX_H_
