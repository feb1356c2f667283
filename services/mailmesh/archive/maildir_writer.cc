#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/base/file.h"
#include "common/base/status.h"
#include "services/mailmesh/archive/line_codec.h"
#include "services/mailmesh/archive/maildir.h"
#include "services/mailmesh/archive/output_file.h"

namespace mailmesh::archive {
namespace {

namespace fs = std::filesystem;

class MaildirWriter final : public ArchiveWriter {
 public:
  MaildirWriter(std::string path, uint64_t* lost_keywords) : top_(std::move(path)), lost_keywords_(lost_keywords) {}
  ~MaildirWriter() override { Abandon(); }

  absl::Status BeginFolder(const std::string& folder, uint32_t uid_validity) override {
    ASSIGN_OR_RETURN(const std::string name, MaildirFolderName(folder));
    folder_ = name.empty() ? top_ : absl::StrCat(top_, "/", name);
    for (const char* part : {"/cur", "/new", "/tmp"}) RETURN_IF_ERROR(base::MakeDirectories(folder_ + part));
    // Maildir++ knows its folders by this file.
    if (!name.empty()) RETURN_IF_ERROR(base::AppendToFile(folder_ + "/maildirfolder", ""));
    uid_validity_ = uid_validity;
    keywords_ = KeywordLetters();
    if (const auto text = base::ReadFile(folder_ + "/dovecot-keywords"); text.ok()) keywords_ = KeywordLetters::Parse(*text);
    present_.clear();
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder_ + "/cur", error)) {
      const MaildirName file = ParseMaildirName(entry.path().filename().string());
      if (file.uid != 0 && file.uid_validity == uid_validity) present_[file.uid] = entry.path().filename();
    }
    return error ? base::ErrnoStatus(error.value(), folder_) : absl::OkStatus();
  }

  absl::StatusOr<bool> Has(uint32_t uid, const MessageFacts& facts) override {
    const auto found = present_.find(uid);
    if (found == present_.end()) return false;
    const std::string name =
        absl::StrCat(ParseMaildirName(found->second).unique, ":2,", MaildirFlags(facts.flags, keywords_, lost_keywords_));
    if (name == found->second) return true;
    const std::string from = absl::StrCat(folder_, "/cur/", found->second);
    if (std::rename(from.c_str(), absl::StrCat(folder_, "/cur/", name).c_str()) != 0) return base::ErrnoStatus(errno, from);
    return true;
  }

  absl::Status Begin(uint32_t uid, uint64_t size, const MessageFacts& facts, LineEnds ends) override {
    codec_ = CrlfToLf();
    ends_ = ends;
    facts_ = facts;
    size_with_crlf_ = size;
    unique_ = absl::StrFormat("%d.U%010uV%u.mailmesh", std::max<int64_t>(facts.date_seconds, 0), uid, uid_validity_);
    return file_.Open(absl::StrCat(folder_, "/tmp/", unique_));
  }

  absl::Status Write(std::string_view octets) override {
    if (ends_ == LineEnds::kAsIs) return file_.Write(octets);
    piece_.clear();
    codec_.Feed(octets, &piece_);
    return file_.Write(piece_);
  }

  absl::StatusOr<bool> End() override {
    piece_.clear();
    codec_.Finish(&piece_);
    RETURN_IF_ERROR(file_.Write(piece_));
    if (ends_ == LineEnds::kLf && codec_.irreversible()) {
      Abandon();
      return false;
    }
    const uint64_t size = file_.size();
    RETURN_IF_ERROR(file_.SetTime(facts_.date_seconds));
    const std::string name = absl::StrCat(unique_, ",S=", size, ",W=", size_with_crlf_, ",Z=", facts_.zone_minutes, ":2,",
                                          MaildirFlags(facts_.flags, keywords_, lost_keywords_));
    RETURN_IF_ERROR(file_.CloseAs(absl::StrCat(folder_, "/cur/", name)));
    return true;
  }

  void Abandon() override { file_.Abandon(); }

  absl::Status EndFolder() override {
    if (!keywords_.empty()) {
      RETURN_IF_ERROR(base::WriteFileAtomically(folder_ + "/dovecot-keywords", keywords_.ToText()));
    }
    return SyncFileSystemOf(folder_);
  }

 private:
  const std::string top_;
  uint64_t* const lost_keywords_;
  std::string folder_;
  uint32_t uid_validity_ = 0;
  KeywordLetters keywords_;
  std::map<uint32_t, std::string> present_;  // files of earlier runs, by UID
  // The message under way.
  OutputFile file_;
  CrlfToLf codec_;
  LineEnds ends_ = LineEnds::kLf;
  MessageFacts facts_;
  uint64_t size_with_crlf_ = 0;
  std::string unique_;
  std::string piece_;
};

}  // namespace

std::unique_ptr<ArchiveWriter> MakeMaildirWriter(const std::string& path, uint64_t* lost_keywords) {
  return std::make_unique<MaildirWriter>(path, lost_keywords);
}

}  // namespace mailmesh::archive
