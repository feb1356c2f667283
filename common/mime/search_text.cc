#include "common/mime/search_text.h"

#include <algorithm>
#include <cstring>

#include "common/mime/encoded_word.h"
#include "common/mime/header.h"
#include "common/mime/parameter.h"
#include "common/text/utf8_repair.h"

namespace mailmesh::mime {
namespace {

// Decoded pieces stay small, however large the pieces fed are.
constexpr size_t kPiece = 16 * 1024;

}  // namespace

SearchText::SearchText(const Structure& structure, const SearchScope& scope, SearchTextSink* sink)
    : structure_(structure), sink_(*sink) {
  // Parts come in the order of the message, so the regions do.
  for (PartIndex i = 0; i < structure.parts.size(); ++i) {
    const Part& part = structure.parts[i];
    const bool header_wanted = i == 0 ? scope.message_header : scope.body;
    if (header_wanted && part.header_size > 0) {
      regions_.push_back({part.header_offset, part.header_offset + part.header_size, i, true});
    }
    if (scope.body && part.kind == PartKind::kText && part.body_size > 0) {
      regions_.push_back({part.body_offset, part.body_offset + part.body_size, i, false});
    }
  }
}

uint64_t SearchText::next_offset() const {
  return region_ < regions_.size() ? std::max(offset_, regions_[region_].begin) : structure_.size;
}

void SearchText::Feed(std::string_view octets) {
  while (!octets.empty() && region_ < regions_.size()) {
    const Region& region = regions_[region_];
    if (offset_ < region.begin) {
      const uint64_t skipped = std::min<uint64_t>(octets.size(), region.begin - offset_);
      octets.remove_prefix(skipped);
      offset_ += skipped;
      continue;
    }
    if (!open_) Open();
    const size_t size = static_cast<size_t>(std::min<uint64_t>({octets.size(), region.end - offset_, kPiece}));
    Take(octets.substr(0, size));
    octets.remove_prefix(size);
    offset_ += size;
    if (offset_ >= region.end) {
      Close();
      ++region_;
    }
  }
  offset_ += octets.size();
}

void SearchText::SeekTo(uint64_t offset) {
  if (offset <= offset_) return;
  offset_ = offset;
  while (region_ < regions_.size() && regions_[region_].end <= offset_) {
    if (open_) Close();
    ++region_;
  }
}

void SearchText::Finish() {
  if (open_) Close();
  region_ = regions_.size();
}

void SearchText::Open() {
  open_ = true;
  const Region& region = regions_[region_];
  field_.clear();
  line_start_ = true;
  if (region.is_header) return;
  const Part& part = structure_.parts[region.part];
  transfer_.emplace(part.encoding);
  charset_ = text::CharsetDecoder::Open(DecodedParameter(part.parameters, "charset"));
  if (!charset_) charset_ = text::CharsetDecoder::Utf8();
}

void SearchText::Take(std::string_view octets) {
  if (regions_[region_].is_header) {
    TakeHeader(octets);
  } else {
    TakeBody(octets);
  }
}

void SearchText::TakeHeader(std::string_view octets) {
  while (!octets.empty()) {
    // A line that does not begin with white space begins a field.
    if (line_start_ && octets.front() != ' ' && octets.front() != '\t') EmitField();
    const void* lf = std::memchr(octets.data(), '\n', octets.size());
    const size_t line =
        lf == nullptr ? octets.size() : static_cast<size_t>(static_cast<const char*>(lf) - octets.data()) + 1;
    const size_t size = std::min(line, kMaxField - field_.size());
    field_ += octets.substr(0, size);
    line_start_ = size > 0 && octets[size - 1] == '\n';
    octets.remove_prefix(size);
    if (field_.size() >= kMaxField) EmitField();
  }
}

void SearchText::EmitField() {
  if (field_.empty()) return;
  sink_.Text(DecodeHeaderText(field_, 3 * kMaxField));
  sink_.Break();
  field_.clear();
}

void SearchText::TakeBody(std::string_view octets) {
  decoded_.clear();
  utf8_.clear();
  transfer_->Append(octets, &decoded_);
  charset_->Append(decoded_, &utf8_);
  if (!utf8_.empty()) sink_.Text(utf8_);
}

void SearchText::Close() {
  open_ = false;
  if (regions_[region_].is_header) return EmitField();
  decoded_.clear();
  utf8_.clear();
  transfer_->Finish(&decoded_);
  charset_->Append(decoded_, &utf8_);
  charset_->Finish(&utf8_);
  if (!utf8_.empty()) sink_.Text(utf8_);
  sink_.Break();
}

bool MessageContains(std::string_view message, const Structure& structure, const SearchScope& scope,
                     std::string_view needle_utf8) {
  SubstringSink sink(needle_utf8);
  SearchText text(structure, scope, &sink);
  text.Feed(message);
  text.Finish();
  return sink.found();
}

bool HeaderContains(std::string_view header_block, std::string_view name, std::string_view needle_utf8) {
  text::SubstringMatcher matcher(needle_utf8);
  HeaderReader reader(header_block);
  HeaderField field;
  while (reader.Next(&field)) {
    if (!NameEquals(field.name, name)) continue;
    matcher.Feed(DecodeHeaderText(field.value));
    matcher.Break();
    if (matcher.found()) return true;
  }
  return false;
}

}  // namespace mailmesh::mime
