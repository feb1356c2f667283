#include <algorithm>
#include <cstring>
#include <utility>

#include "common/mime/part_header.h"
#include "common/mime/structure.h"

namespace mailmesh::mime {

// Works by lines. A line is judged once, at its beginning: does it end the header, is it a delimiter? For that it must be
// there as a whole or up to kJudged octets; the rest of a longer line passes by. Only a line that is cut by the end of a
// piece before it can be judged is kept (pending_).
class StructureParser::Impl {
 public:
  explicit Impl(const StructureLimits& limits) : limits_(limits) {
    limits_.max_parts = std::max<uint32_t>(limits_.max_parts, 1);
    limits_.max_depth = std::min<uint32_t>(limits_.max_depth, 0xfffe);
    BeginPart(kNoPart);
  }

  void Feed(std::string_view octets);
  Structure Finish();

 private:
  enum class State : uint8_t { kHeader, kBody };
  // "--", a boundary of at most 200 octets, "--", CR LF.
  static constexpr size_t kJudged = 208;

  // An open multipart; the innermost is the last. At most max_depth of them.
  struct Boundary {
    std::string text;
    PartIndex part;
  };
  // What is needed while a part is open only.
  struct Progress {
    PartIndex last_child = kNoPart;
    uint64_t lines_before_header = 0;
    uint64_t lines_before_body = 0;
  };

  // Each takes octets off the front.
  void FeedPending(std::string_view* octets);
  void FeedLineRest(std::string_view* octets);
  void FeedBody(std::string_view* octets);
  void FeedLine(std::string_view* octets);

  void JudgeLine(std::string_view line);
  void Advance(std::string_view octets);
  void AppendHeader(std::string_view octets);
  const Boundary* FindBoundary(std::string_view line) const;
  void TakeDelimiter(size_t boundary, bool closes);

  bool IsFull() const { return structure_.parts.size() >= limits_.max_parts; }
  void BeginPart(PartIndex parent);
  void EndHeader(uint64_t end, uint64_t lines);
  void OpenBody(std::string boundary);
  void EndPart(PartIndex index, uint64_t end, bool at_delimiter);

  StructureLimits limits_;
  Structure structure_;
  std::vector<Progress> progress_;
  std::vector<Boundary> boundaries_;
  PartIndex current_ = kNoPart;
  State state_ = State::kHeader;
  std::string header_;
  std::string pending_;
  size_t kept_ = 0;

  uint64_t offset_ = 0;      // of the next octet
  uint64_t line_start_ = 0;
  uint64_t lines_ = 0;       // line ends so far
  uint8_t line_end_size_ = 0;  // of the line before this one: 1 LF, 2 CRLF
  bool mid_line_ = false;
  bool last_cr_ = false;
  bool begins_part_ = false;  // a delimiter's line: where it ends, a part begins
};

void StructureParser::Impl::Feed(std::string_view octets) {
  while (!octets.empty()) {
    if (!pending_.empty()) {
      FeedPending(&octets);
    } else if (mid_line_) {
      FeedLineRest(&octets);
    } else if (state_ == State::kBody && octets.front() != '-') {
      FeedBody(&octets);
    } else {
      FeedLine(&octets);
    }
  }
}

size_t LineSize(std::string_view octets) {
  const void* lf = std::memchr(octets.data(), '\n', octets.size());
  return lf == nullptr ? octets.size() : static_cast<size_t>(static_cast<const char*>(lf) - octets.data()) + 1;
}

void StructureParser::Impl::FeedPending(std::string_view* octets) {
  const size_t wanted = std::min(octets->size(), kJudged - pending_.size());
  const size_t size = LineSize(octets->substr(0, wanted));
  pending_ += octets->substr(0, size);
  octets->remove_prefix(size);
  if (pending_.back() != '\n' && pending_.size() < kJudged) return;
  const std::string line = std::exchange(pending_, std::string());
  JudgeLine(line);
}

void StructureParser::Impl::FeedLineRest(std::string_view* octets) {
  const std::string_view rest = octets->substr(0, LineSize(*octets));
  if (state_ == State::kHeader && !begins_part_) AppendHeader(rest);
  Advance(rest);
  octets->remove_prefix(rest.size());
}

// Lines of a body that cannot be delimiters, as many as there are: the loop that most octets go through.
void StructureParser::Impl::FeedBody(std::string_view* octets) {
  const char* const begin = octets->data();
  const char* const end = begin + octets->size();
  const char* at = begin;
  const char* line = begin;
  const bool any_line = boundaries_.empty();
  uint64_t lines = 0;
  while (at < end && (any_line || *at != '-')) {
    const void* lf = std::memchr(at, '\n', static_cast<size_t>(end - at));
    line = at;
    at = lf == nullptr ? end : static_cast<const char*>(lf) + 1;
    if (lf != nullptr) ++lines;
  }
  // The last line goes the usual way, which notes how it ends.
  if (at[-1] == '\n') --lines;
  offset_ += static_cast<uint64_t>(line - begin);
  lines_ += lines;
  line_start_ = offset_;
  if (line > begin) last_cr_ = false;
  Advance(std::string_view(line, static_cast<size_t>(at - line)));
  octets->remove_prefix(static_cast<size_t>(at - begin));
}

void StructureParser::Impl::FeedLine(std::string_view* octets) {
  const size_t size = LineSize(*octets);
  if ((*octets)[size - 1] != '\n' && size < kJudged) {
    pending_ = *octets;
    octets->remove_prefix(size);
    return;
  }
  const std::string_view line = octets->substr(0, size);
  octets->remove_prefix(size);
  JudgeLine(line);
}

// A whole line, or the first octets (at least kJudged, or all there are) of one.
void StructureParser::Impl::JudgeLine(std::string_view line) {
  if (const Boundary* found = FindBoundary(line)) {
    const std::string_view after = line.substr(2 + found->text.size());
    const bool closes = after.substr(0, 2) == "--";
    if (closes || !IsFull()) {
      TakeDelimiter(static_cast<size_t>(found - boundaries_.data()), closes);
      Advance(line);
      return;
    }
    // No more parts: what follows, to the end of the message, belongs to the last one.
    structure_.truncated = true;
    while (state_ == State::kHeader) EndHeader(offset_, lines_);
    boundaries_.clear();
  }
  if (state_ == State::kBody) return Advance(line);
  const bool blank = line == "\n" || line == "\r\n";
  if (!blank) AppendHeader(line);
  Advance(line);
  if (blank) EndHeader(offset_, lines_);
}

// Octets of one line, or of a part of it.
void StructureParser::Impl::Advance(std::string_view octets) {
  offset_ += octets.size();
  mid_line_ = octets.back() != '\n';
  if (mid_line_) {
    last_cr_ = octets.back() == '\r';
    return;
  }
  const bool cr = octets.size() > 1 ? octets[octets.size() - 2] == '\r' : last_cr_;
  line_end_size_ = cr ? 2 : 1;
  last_cr_ = false;
  ++lines_;
  line_start_ = offset_;
  if (std::exchange(begins_part_, false)) BeginPart(current_);
}

void StructureParser::Impl::AppendHeader(std::string_view octets) {
  const size_t room = limits_.max_header_size - std::min(limits_.max_header_size, header_.size());
  header_ += octets.substr(0, room);
  if (octets.size() > room) structure_.parts[current_].header_cut = structure_.truncated = true;
}

// RFC 2046, 5.1.1: it is enough that the line begins with the delimiter. Where boundaries begin alike the longest match is
// meant, and of equal ones the innermost.
const StructureParser::Impl::Boundary* StructureParser::Impl::FindBoundary(std::string_view line) const {
  if (boundaries_.empty() || line.size() < 3 || line[0] != '-' || line[1] != '-') return nullptr;
  const std::string_view rest = line.substr(2);
  const Boundary* best = nullptr;
  for (size_t i = boundaries_.size(); i-- > 0;) {
    const std::string& text = boundaries_[i].text;
    if (text[0] != rest[0] || (best != nullptr && text.size() <= best->text.size())) continue;
    if (rest.substr(0, text.size()) == text) best = &boundaries_[i];
  }
  return best;
}

void StructureParser::Impl::TakeDelimiter(size_t boundary, bool closes) {
  // A header that no blank line ends. The line end before the delimiter belongs to the delimiter here, too, unless it is
  // that of the delimiter before. A message/rfc822 opens a second header, which is empty.
  while (state_ == State::kHeader) {
    const bool empty = line_start_ == structure_.parts[current_].header_offset;
    EndHeader(empty ? line_start_ : line_start_ - line_end_size_, empty ? lines_ : lines_ - 1);
  }
  const PartIndex multipart = boundaries_[boundary].part;
  for (PartIndex i = current_; i != multipart; i = structure_.parts[i].parent) EndPart(i, line_start_, true);
  current_ = multipart;
  // The multiparts inside are over, closed or not. After its close delimiter a multipart has an epilogue only.
  boundaries_.resize(boundary + (closes ? 0 : 1));
  begins_part_ = !closes;
}

void StructureParser::Impl::BeginPart(PartIndex parent) {
  const auto index = static_cast<PartIndex>(structure_.parts.size());
  Part& part = structure_.parts.emplace_back();
  Progress& progress = progress_.emplace_back();
  progress.lines_before_header = lines_;
  part.header_offset = offset_;
  part.parent = parent;
  part.is_message = parent == kNoPart || structure_.parts[parent].kind == PartKind::kMessage;
  if (parent != kNoPart) {
    part.depth = static_cast<uint16_t>(structure_.parts[parent].depth + 1);
    const PartIndex sibling = std::exchange(progress_[parent].last_child, index);
    (sibling == kNoPart ? structure_.parts[parent].first_child : structure_.parts[sibling].next_sibling) = index;
  }
  current_ = index;
  state_ = State::kHeader;
  header_.clear();
}

void StructureParser::Impl::EndHeader(uint64_t end, uint64_t lines) {
  Part& part = structure_.parts[current_];
  Progress& progress = progress_[current_];
  part.header_size = end - part.header_offset;
  part.header_lines = lines - progress.lines_before_header;
  part.body_offset = end;
  progress.lines_before_body = lines;
  state_ = State::kBody;

  PartHeaderOptions options;
  options.is_message = part.is_message;
  if (part.parent != kNoPart) {
    const Part& parent = structure_.parts[part.parent];
    options.in_digest = parent.kind == PartKind::kMultipart && NameEquals(parent.subtype, "digest");
  }
  options.budget = limits_.max_kept_size - std::min(limits_.max_kept_size, kept_);
  options.envelope = limits_.envelope;
  PartHeaderResult result = ParsePartHeader(header_, options, &part);
  kept_ += result.kept;
  if (options.budget == 0 || (part.envelope && part.envelope->truncated)) structure_.truncated = true;
  header_.clear();
  OpenBody(std::move(result.boundary));
}

void StructureParser::Impl::OpenBody(std::string boundary) {
  Part& part = structure_.parts[current_];
  const bool nests = part.kind == PartKind::kMessage || (part.kind == PartKind::kMultipart && !boundary.empty());
  if (!nests) return;
  if (part.depth >= limits_.max_depth || IsFull()) {
    part.kind = PartKind::kLeaf;
    part.opaque = structure_.truncated = true;
  } else if (part.kind == PartKind::kMultipart) {
    boundaries_.push_back({std::move(boundary), current_});
  } else {
    const uint64_t body = part.body_offset;
    const uint64_t lines = progress_[current_].lines_before_body;
    BeginPart(current_);
    structure_.parts[current_].header_offset = body;
    progress_[current_].lines_before_header = lines;
  }
}

void StructureParser::Impl::EndPart(PartIndex index, uint64_t end, bool at_delimiter) {
  Part& part = structure_.parts[index];
  uint64_t lines = lines_;
  if (at_delimiter && end > part.body_offset) {
    end -= line_end_size_;
    --lines;
  }
  part.body_size = end - std::min(end, part.body_offset);
  part.body_lines = lines - std::min(lines, progress_[index].lines_before_body);
}

Structure StructureParser::Impl::Finish() {
  if (!pending_.empty()) {
    const std::string line = std::exchange(pending_, std::string());
    JudgeLine(line);
  }
  while (state_ == State::kHeader) EndHeader(offset_, lines_);
  for (PartIndex i = current_; i != kNoPart; i = structure_.parts[i].parent) EndPart(i, offset_, false);
  structure_.size = offset_;
  return std::move(structure_);
}

StructureParser::StructureParser(const StructureLimits& limits) : impl_(std::make_unique<Impl>(limits)) {}
StructureParser::~StructureParser() = default;
StructureParser::StructureParser(StructureParser&&) noexcept = default;
StructureParser& StructureParser::operator=(StructureParser&&) noexcept = default;

void StructureParser::Feed(std::string_view octets) { impl_->Feed(octets); }

Structure StructureParser::Finish() && {
  const std::unique_ptr<Impl> impl = std::move(impl_);
  return impl->Finish();
}

Structure ParseStructure(std::string_view message, const StructureLimits& limits) {
  StructureParser parser(limits);
  parser.Feed(message);
  return std::move(parser).Finish();
}

}  // namespace mailmesh::mime
