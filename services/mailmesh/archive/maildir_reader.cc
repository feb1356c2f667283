#include <algorithm>
#include <filesystem>
#include <tuple>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/file.h"
#include "common/base/status.h"
#include "common/imap/mailbox_name.h"
#include "services/mailmesh/archive/file_octets.h"
#include "services/mailmesh/archive/maildir.h"

namespace mailmesh::archive {
namespace {

namespace fs = std::filesystem;

constexpr size_t kScanPiece = 256 << 10;

bool IsMaildir(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(path / "cur", error) || fs::is_directory(path / "new", error);
}

bool IsPartOfMaildir(const std::string& name) { return name == "cur" || name == "new" || name == "tmp"; }

// How the file's lines became what its name says of the sizes.
absl::StatusOr<LineEnds> LineEndsOf(const InputFile& file, const MaildirName& name) {
  if (!name.size_with_crlf) return LineEnds::kNormalise;
  if (*name.size_with_crlf == file.size()) return LineEnds::kAsIs;
  uint64_t lines = 0;
  std::string piece;
  for (uint64_t offset = 0; offset < file.size(); offset += piece.size()) {
    RETURN_IF_ERROR(file.Read(offset, kScanPiece, &piece));
    if (piece.empty()) break;
    lines += static_cast<uint64_t>(std::count(piece.begin(), piece.end(), '\n'));
  }
  return file.size() + lines == *name.size_with_crlf ? LineEnds::kLf : LineEnds::kNormalise;
}

class MaildirReader final : public ArchiveReader {
 public:
  absl::Status Open(const std::string& path) {
    std::error_code error;
    if (!fs::is_directory(path, error)) return absl::NotFoundError(absl::StrCat(path, " is no folder"));
    if (IsMaildir(path)) folders_[std::string(imap::kInbox)] = path;
    RETURN_IF_ERROR(FindFolders(path, ""));
    if (folders_.empty()) return absl::InvalidArgumentError(absl::StrCat(path, " is no Maildir: it has neither cur nor new"));
    return absl::OkStatus();
  }

  std::vector<std::string> Folders() const override {
    std::vector<std::string> names;
    for (const auto& [name, path] : folders_) names.push_back(name);
    return names;
  }

  absl::Status ForEach(const std::string& folder, const Take& take) override {
    const fs::path& path = folders_.at(folder);
    KeywordLetters keywords;
    if (const auto text = base::ReadFile(path / "dovecot-keywords"); text.ok()) keywords = KeywordLetters::Parse(*text);
    std::vector<Entry> entries;
    RETURN_IF_ERROR(List(path / "cur", entries));
    RETURN_IF_ERROR(List(path / "new", entries));
    // UIDs where they are known; else the time at which the files were made.
    std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
      return std::tie(a.order, a.path) < std::tie(b.order, b.path);
    });
    for (const Entry& entry : entries) RETURN_IF_ERROR(Hand(entry, keywords, take));
    return absl::OkStatus();
  }

 private:
  struct Entry {
    uint64_t order;
    std::string path;
  };

  absl::Status FindFolders(const fs::path& path, const std::string& above) {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(path, error)) {
      const std::string name = entry.path().filename();
      if (!entry.is_directory() || IsPartOfMaildir(name)) continue;
      std::string mailbox;
      if (name.front() == '.') {
        if (!IsMaildir(entry.path())) continue;
        ASSIGN_OR_RETURN(mailbox, MailboxOfMaildirFolder(name));
      } else {
        mailbox = above.empty() ? imap::CanonicalMailboxName(name) : absl::StrCat(above, "/", name);
        RETURN_IF_ERROR(FindFolders(entry.path(), mailbox));
        if (!IsMaildir(entry.path())) continue;
      }
      folders_.emplace(mailbox, entry.path());
    }
    return error ? base::ErrnoStatus(error.value(), path.string()) : absl::OkStatus();
  }

  static absl::Status List(const fs::path& path, std::vector<Entry>& entries) {
    std::error_code error;
    if (!fs::exists(path, error)) return absl::OkStatus();
    for (const auto& entry : fs::directory_iterator(path, error)) {
      const std::string file = entry.path().filename();
      if (file.front() == '.' || !entry.is_regular_file()) continue;
      const MaildirName name = ParseMaildirName(file);
      entries.push_back({name.uid != 0 ? name.uid : name.seconds, entry.path()});
    }
    return error ? base::ErrnoStatus(error.value(), path.string()) : absl::OkStatus();
  }

  static absl::Status Hand(const Entry& entry, const KeywordLetters& keywords, const Take& take) {
    const MaildirName name = ParseMaildirName(fs::path(entry.path).filename().string());
    const auto file = InputFile::Open(entry.path);
    // Another program moved it (a flag changed): the next run finds it.
    if (absl::IsNotFound(file.status())) return absl::OkStatus();
    RETURN_IF_ERROR(file.status());
    ArchivedMessage message;
    message.facts.flags = FlagsOfMaildir(name.letters, keywords);
    message.facts.date_seconds = (*file)->modified_seconds();
    message.facts.zone_minutes = name.zone_minutes.value_or(0);
    message.key = name.unique;
    FileOctets::Options options;
    ASSIGN_OR_RETURN(options.ends, LineEndsOf(**file, name));
    message.octets = std::make_unique<FileOctets>(*file, FileRange{0, (*file)->size()}, std::move(options));
    return take(message);
  }

  std::map<std::string, fs::path> folders_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<ArchiveReader>> OpenMaildir(const std::string& path) {
  auto reader = std::make_unique<MaildirReader>();
  RETURN_IF_ERROR(reader->Open(path));
  return reader;
}

}  // namespace mailmesh::archive
