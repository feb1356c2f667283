#include <filesystem>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "common/base/file.h"
#include "common/base/status.h"
#include "services/mailmesh/archive/line_codec.h"
#include "services/mailmesh/archive/mbox.h"
#include "services/mailmesh/archive/output_file.h"

namespace mailmesh::archive {
namespace {

// The letters of Status and X-Status, as mutt, Dovecot and many others write them.
std::string StatusFields(const MessageFacts& facts) {
  std::string status = "O", x_status;
  std::vector<std::string> keywords;
  for (const std::string& flag : facts.flags) {
    if (flag == "\\Seen") status = "RO";
    else if (flag == "\\Answered") x_status += 'A';
    else if (flag == "\\Flagged") x_status += 'F';
    else if (flag == "\\Draft") x_status += 'T';
    else if (flag == "\\Deleted") x_status += 'D';
    else keywords.push_back(flag);
  }
  return absl::StrCat("Status: ", status, "\nX-Status: ", x_status, "\nX-Keywords: ", absl::StrJoin(keywords, " "), "\n");
}
constexpr uint64_t kStatusLines = 3;

class MboxWriter final : public ArchiveWriter {
 public:
  explicit MboxWriter(std::string path) : top_(std::move(path)) {}

  absl::Status BeginFolder(const std::string& folder, uint32_t) override {
    ASSIGN_OR_RETURN(const std::string name, MboxFileName(folder));
    path_ = absl::StrCat(top_, "/", name);
    RETURN_IF_ERROR(base::MakeDirectories(std::filesystem::path(path_).parent_path()));
    return file_.Open(path_ + ".part");
  }

  absl::StatusOr<bool> Has(uint32_t, const MessageFacts&) override { return false; }

  absl::Status Begin(uint32_t, uint64_t size, const MessageFacts& facts, LineEnds ends) override {
    codec_ = CrlfToLf();
    quoter_ = FromQuoter(FromQuoter::Mode::kQuote);
    ends_ = ends;
    begin_ = file_.size();
    last_ = '\n';
    const std::string date =
        absl::FormatTime("%a %b %e %H:%M:%S %Y", absl::FromUnixSeconds(facts.date_seconds), absl::UTCTimeZone());
    const MboxMarker marker{1 + kStatusLines, size, ends, facts};
    return file_.Write(absl::StrCat("From MAILER-DAEMON ", date, "\n", "X-Mailmesh-Export: ", FormatMboxMarker(marker), "\n",
                                    StatusFields(facts)));
  }

  absl::Status Write(std::string_view octets) override {
    if (ends_ == LineEnds::kAsIs) return WriteQuoted(octets);
    piece_.clear();
    codec_.Feed(octets, &piece_);
    return WriteQuoted(piece_);
  }

  absl::StatusOr<bool> End() override {
    piece_.clear();
    codec_.Finish(&piece_);
    RETURN_IF_ERROR(WriteQuoted(piece_));
    std::string rest;
    quoter_.Finish(&rest);
    RETURN_IF_ERROR(WriteOut(rest));
    if (ends_ == LineEnds::kLf && codec_.irreversible()) {
      RETURN_IF_ERROR(file_.Truncate(begin_));
      return false;
    }
    // A blank line ends the message; one that does not end its last line gets that end, which the marker's octets undo.
    RETURN_IF_ERROR(file_.Write(last_ == '\n' ? "\n" : "\n\n"));
    return true;
  }

  void Abandon() override { file_.Abandon(); }

  absl::Status EndFolder() override {
    RETURN_IF_ERROR(file_.CloseAs(path_));
    return SyncFileSystemOf(top_);
  }

 private:
  absl::Status WriteQuoted(std::string_view octets) {
    std::string quoted;
    quoter_.Feed(octets, &quoted);
    return WriteOut(quoted);
  }
  absl::Status WriteOut(std::string_view octets) {
    if (!octets.empty()) last_ = octets.back();
    return file_.Write(octets);
  }

  const std::string top_;
  std::string path_;
  OutputFile file_;
  // The message under way.
  CrlfToLf codec_;
  FromQuoter quoter_{FromQuoter::Mode::kQuote};
  LineEnds ends_ = LineEnds::kLf;
  uint64_t begin_ = 0;
  char last_ = '\n';
  std::string piece_;
};

}  // namespace

std::unique_ptr<ArchiveWriter> MakeMboxWriter(const std::string& path) { return std::make_unique<MboxWriter>(path); }

}  // namespace mailmesh::archive
