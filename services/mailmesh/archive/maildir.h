// Maildir archives with folders as Maildir++ has them: the top is INBOX, "Work/2024" is the folder ".Work.2024". Folder names are
// modified UTF-7 (RFC 3501, 5.1.3), as Dovecot and Courier write them; a "." in a level is "&AC4-". Also read: folders inside
// folders, as other programs lay them out.
//
// File names: SECONDS.U<uid>V<uidvalidity>.mailmesh,S=<octets>,W=<octets with CRLF>,Z=<zone>:2,<flags>. The internal date is the
// file's time. Keywords are letters, named in `dovecot-keywords` of the folder; there are 26.
// https://cr.yp.to/proto/maildir.html, https://www.courier-mta.org/imap/README.maildirquota.html
#ifndef MAILMESH_SERVICES_MAILMESH_ARCHIVE_MAILDIR_H_
#define MAILMESH_SERVICES_MAILMESH_ARCHIVE_MAILDIR_H_

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "services/mailmesh/archive/message.h"

namespace mailmesh::archive {

// ".Work.2024" for "Work/2024"; empty for INBOX. InvalidArgument where a file cannot have that name.
absl::StatusOr<std::string> MaildirFolderName(std::string_view mailbox);
// And back; InvalidArgument where it is no modified UTF-7.
absl::StatusOr<std::string> MailboxOfMaildirFolder(std::string_view name);

// The keywords of one folder, by their letter: a is 0.
class KeywordLetters {
 public:
  static constexpr size_t kMax = 26;
  // The content of `dovecot-keywords`: lines "0 $Forwarded".
  static KeywordLetters Parse(std::string_view text);
  std::string ToText() const;
  // Gives a letter to a keyword; nothing when all are taken.
  std::optional<char> LetterOf(const std::string& keyword);
  std::string NameOf(char letter) const;
  bool empty() const { return names_.empty(); }

 private:
  std::vector<std::string> names_;
};

// "FS" and the like, sorted, for flags; those without a letter are left out and counted.
std::string MaildirFlags(const std::vector<std::string>& flags, KeywordLetters& keywords, uint64_t* lost);
std::vector<std::string> FlagsOfMaildir(std::string_view letters, const KeywordLetters& keywords);

// What a file's name says of its message.
struct MaildirName {
  std::string unique;  // before ":2,": the same whatever the flags
  std::string letters;
  std::optional<uint64_t> size, size_with_crlf;
  std::optional<int32_t> zone_minutes;
  uint64_t seconds = 0;        // the number that it begins with
  uint32_t uid = 0, uid_validity = 0;  // of files that were written here; else 0
};
MaildirName ParseMaildirName(std::string_view name);

// `path`: the folder with cur, new and tmp.
absl::StatusOr<std::unique_ptr<ArchiveReader>> OpenMaildir(const std::string& path);
// Makes the folder where it is missing. `lost_keywords` counts flags that found no letter; it outlives the writer.
std::unique_ptr<ArchiveWriter> MakeMaildirWriter(const std::string& path, uint64_t* lost_keywords);

}  // namespace mailmesh::archive

#endif  // MAILMESH_SERVICES_MAILMESH_ARCHIVE_MAILDIR_H_
