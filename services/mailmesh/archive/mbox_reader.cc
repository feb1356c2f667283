#include <algorithm>
#include <filesystem>
#include <map>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/base/status.h"
#include "common/mime/date.h"
#include "common/mime/header.h"
#include "services/mailmesh/archive/file_octets.h"
#include "services/mailmesh/archive/mbox.h"

namespace mailmesh::archive {
namespace {

namespace fs = std::filesystem;

constexpr size_t kPiece = 256 << 10;
// How much of a message is looked at for the fields of its archive.
constexpr size_t kPeek = 64 << 10;
constexpr size_t kMaxFromLine = 1024;

// Lines of a file, without holding any: where each begins, how it begins, whether it is blank.
class LineWalker {
 public:
  explicit LineWalker(const InputFile& file) : file_(file) {}

  struct Line {
    uint64_t begin = 0;
    uint64_t end = 0;   // after its LF
    std::string start;  // its first kMaxFromLine octets
    bool blank() const { return start == "\n" || start == "\r\n"; }
  };
  // False at the end of the file.
  absl::StatusOr<bool> Next(Line* line) {
    line->begin = position_;
    line->start.clear();
    for (;;) {
      if (position_ - piece_begin_ >= piece_.size()) {
        piece_begin_ = position_;
        RETURN_IF_ERROR(file_.Read(position_, kPiece, &piece_));
        if (piece_.empty()) break;
      }
      const std::string_view rest = std::string_view(piece_).substr(static_cast<size_t>(position_ - piece_begin_));
      const size_t line_end = rest.find('\n');
      const size_t take = line_end == std::string_view::npos ? rest.size() : line_end + 1;
      if (line->start.size() < kMaxFromLine) line->start += rest.substr(0, std::min(take, kMaxFromLine - line->start.size()));
      position_ += take;
      if (line_end != std::string_view::npos) break;
    }
    line->end = position_;
    return line->end > line->begin;
  }

 private:
  const InputFile& file_;
  std::string piece_;
  uint64_t piece_begin_ = 0;
  uint64_t position_ = 0;
};

void AddFlag(MessageFacts& facts, const std::string& flag) {
  if (std::find(facts.flags.begin(), facts.flags.end(), flag) == facts.flags.end()) facts.flags.push_back(flag);
}

// Fields in which other programs keep flags. True for one of them: it is the archive's and not the message's.
bool TakeStatusField(std::string_view name, std::string_view value, MessageFacts& facts) {
  const std::string text = mime::HeaderText(value);
  if (mime::NameEquals(name, "Status") || mime::NameEquals(name, "X-Status")) {
    constexpr std::pair<char, const char*> kLetters[] = {
        {'R', "\\Seen"}, {'A', "\\Answered"}, {'F', "\\Flagged"}, {'T', "\\Draft"}, {'D', "\\Deleted"}};
    for (const auto& [letter, flag] : kLetters) {
      if (text.find(letter) != std::string::npos) AddFlag(facts, flag);
    }
    return true;
  }
  if (mime::NameEquals(name, "X-Keywords") || mime::NameEquals(name, "X-Mozilla-Keys")) {
    for (const auto keyword : absl::StrSplit(text, ' ', absl::SkipWhitespace())) AddFlag(facts, std::string(keyword));
    return true;
  }
  if (mime::NameEquals(name, "X-Mozilla-Status")) {
    constexpr std::pair<uint32_t, const char*> kBits[] = {
        {1, "\\Seen"}, {2, "\\Answered"}, {4, "\\Flagged"}, {8, "\\Deleted"}, {0x1000, "$Forwarded"}};
    uint32_t bits = 0;
    if (absl::SimpleHexAtoi(text, &bits)) {
      for (const auto& [bit, flag] : kBits) {
        if ((bits & bit) != 0) AddFlag(facts, flag);
      }
    }
    return true;
  }
  return mime::NameEquals(name, "X-Mozilla-Status2") || mime::NameEquals(name, "X-UID") ||
         mime::NameEquals(name, "X-IMAPbase") || mime::NameEquals(name, "X-IMAP");
}

class MboxReader final : public ArchiveReader {
 public:
  absl::Status Open(const std::string& path, const std::string& folder) {
    std::error_code error;
    if (!fs::is_directory(path, error)) {
      RETURN_IF_ERROR(InputFile::Open(path).status());
      files_[folder] = path;
      return absl::OkStatus();
    }
    for (const auto& entry : fs::recursive_directory_iterator(path, error)) {
      if (!entry.is_regular_file() || entry.path().extension() != ".mbox") continue;
      files_[MailboxOfMboxFile(fs::relative(entry.path(), path).string())] = entry.path();
    }
    if (error) return base::ErrnoStatus(error.value(), path);
    if (files_.empty()) return absl::NotFoundError(absl::StrCat("no file in ", path, " is called *.mbox"));
    return absl::OkStatus();
  }

  std::vector<std::string> Folders() const override {
    std::vector<std::string> names;
    for (const auto& [name, path] : files_) names.push_back(name);
    return names;
  }

  absl::Status ForEach(const std::string& folder, const Take& take) override {
    ASSIGN_OR_RETURN(const std::shared_ptr<InputFile> file, InputFile::Open(files_.at(folder)));
    LineWalker walker(*file);
    LineWalker::Line line;
    Bounds bounds;
    bool after_blank = true;  // as at the start of the file
    uint64_t before = 0;      // where the line before begins
    for (;;) {
      ASSIGN_OR_RETURN(const bool more, walker.Next(&line));
      const bool from_line = more && after_blank && line.start.starts_with("From ");
      if (!more || from_line) {
        // The blank line before a From line, or before the end, is the archive's.
        if (after_blank) bounds.range.end = std::max(before, bounds.range.begin);
        if (bounds.open) RETURN_IF_ERROR(Hand(file, bounds, take));
        if (!more) return absl::OkStatus();
        bounds = {true, line.start, {line.end, line.end}};
        after_blank = false;
        continue;
      }
      if (!bounds.open && !line.blank()) {
        return absl::InvalidArgumentError(absl::StrCat(file->path(), " is no mbox file: it does not begin with a From line"));
      }
      after_blank = line.blank();
      before = line.begin;
      bounds.range.end = line.end;
    }
  }

 private:
  struct Bounds {
    bool open = false;
    std::string from_line;
    FileRange range;
  };

  static absl::Status Hand(const std::shared_ptr<InputFile>& file, const Bounds& bounds, const Take& take) {
    std::string peek;
    RETURN_IF_ERROR(file->Read(bounds.range.begin, std::min<uint64_t>(kPeek, bounds.range.end - bounds.range.begin), &peek));
    ArchivedMessage message;
    message.key = absl::StrCat(bounds.range.begin, "+", bounds.range.end - bounds.range.begin);
    FileOctets::Options options;
    options.unquote_from = true;
    FileRange range = bounds.range;
    const mime::HeaderBlock header = mime::ScanHeader(peek);
    const auto marker = header.fields.empty() || !mime::NameEquals(header.fields.front().name, kMboxMarkerName)
                            ? std::nullopt
                            : ParseMboxMarker(mime::HeaderText(header.fields.front().value));
    if (marker) {
      message.facts = marker->facts;
      options.ends = marker->ends;
      options.limit = marker->octets;
      for (uint64_t i = 0; i < marker->lines && !peek.empty(); ++i) {
        const size_t line = peek.find('\n');
        range.begin += line == std::string::npos ? peek.size() : line + 1;
        peek.erase(0, line == std::string::npos ? peek.size() : line + 1);
      }
    } else if (!TakeForeign(header, peek, bounds, message, options, range)) {
      return absl::OkStatus();
    }
    message.octets = std::make_unique<FileOctets>(file, range, std::move(options));
    return take(message);
  }

  // A message that another program wrote: flags from its fields, which are left out. False for what is no message.
  static bool TakeForeign(const mime::HeaderBlock& header, std::string_view peek, const Bounds& bounds, ArchivedMessage& message,
                          FileOctets::Options& options, FileRange& range) {
    const mime::HeaderField* subject = header.Find("Subject");
    if (header.Find("X-IMAP") != nullptr && subject != nullptr &&
        subject->value.find("DON'T DELETE THIS MESSAGE") != std::string_view::npos) {
      return false;  // the notes that some IMAP servers keep in the file
    }
    message.facts.date_seconds = DateOfFromLine(bounds.from_line);
    if (const mime::HeaderField* date = header.Find("Date"); message.facts.date_seconds == 0 && date != nullptr) {
      const auto parsed = mime::ParseDateTime(date->value);
      if (parsed && IsStorable({{}, parsed->unix_seconds, parsed->zone_minutes})) {
        message.facts.date_seconds = parsed->unix_seconds;
        message.facts.zone_minutes = parsed->zone_minutes;
      }
    }
    std::string kept;
    for (const mime::HeaderField& field : header.fields) {
      if (!TakeStatusField(field.name, field.value, message.facts)) kept += field.raw;
    }
    size_t fields = 0;
    for (const mime::HeaderField& field : header.fields) fields += field.raw.size();
    if (header.complete && kept.size() < fields) {
      options.prefix = kept + std::string(peek.substr(fields, header.size - fields));
      range.begin += header.size;
    }
    return true;
  }

  std::map<std::string, fs::path> files_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<ArchiveReader>> OpenMbox(const std::string& path, const std::string& folder) {
  auto reader = std::make_unique<MboxReader>();
  RETURN_IF_ERROR(reader->Open(path, folder));
  return reader;
}

}  // namespace mailmesh::archive
