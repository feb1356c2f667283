#include "common/mime/seven_bit.h"

#include <algorithm>

#include "common/mime/header.h"
#include "common/text/utf8_repair.h"

namespace mailmesh::mime {
namespace {

constexpr std::string_view kEncodingField = "Content-Transfer-Encoding";

// Whether the part, or what it is in, must keep its octets.
bool IsFixed(const Structure& structure, PartIndex index) {
  for (; index != kNoPart; index = structure.parts[index].parent) {
    const Part& part = structure.parts[index];
    if (part.opaque || part.header_cut) return true;
    if (NameEquals(part.type, "multipart") && (NameEquals(part.subtype, "signed") || NameEquals(part.subtype, "encrypted"))) return true;
    if (NameEquals(part.type, "message") && NameEquals(part.subtype, "partial")) return true;
  }
  return false;
}

bool IsLeaf(const Part& part) { return part.first_child == kNoPart; }

}  // namespace

SevenBitScanner::SevenBitScanner(const Structure& structure) : structure_(structure), needs_(structure.parts.size()) {
  // parts are in message order, and leaves do not overlap.
  for (PartIndex i = 0; i < structure.parts.size(); ++i) {
    if (IsLeaf(structure.parts[i])) leaves_.push_back(i);
  }
}

void SevenBitScanner::Append(std::string_view octets) {
  const uint64_t begin = position_;
  position_ += octets.size();
  while (next_ < leaves_.size()) {
    const PartIndex index = leaves_[next_];
    const Part& part = structure_.parts[index];
    const uint64_t end = part.body_offset + part.body_size;
    if (part.body_offset >= position_) return;
    const uint64_t from = std::max(begin, part.body_offset);
    const uint64_t to = std::min(position_, end);
    if (from < to && !needs_[index] && !text::IsAscii(octets.substr(from - begin, to - from))) {
      needs_[index] = true;
      has_eight_bit_ = true;
      if (IsFixed(structure_, index)) convertible_ = false;
    }
    if (end > position_) return;
    ++next_;
  }
}

SevenBitConverter::SevenBitConverter(const SevenBitScanner& scanner) : structure_(scanner.structure_), needs_(scanner.needs_) {
  for (PartIndex i = 0; i < structure_.parts.size(); ++i) AddRegions(i, needs_[i]);
  std::sort(regions_.begin(), regions_.end(), [](const Region& a, const Region& b) { return a.begin < b.begin; });
}

void SevenBitConverter::AddRegions(PartIndex index, bool needs) {
  const Part& part = structure_.parts[index];
  // RFC 2045, 6.4: what holds other parts says 7bit once they are.
  const bool container = !IsLeaf(part) && (part.encoding == TransferEncoding::k8Bit || part.encoding == TransferEncoding::kBinary);
  if (!needs && !container) return;
  regions_.push_back({part.header_offset, part.header_offset + part.header_size, index, true});
  if (needs) regions_.push_back({part.body_offset, part.body_offset + part.body_size, index, false});
}

void SevenBitConverter::Append(std::string_view octets, std::string* out) {
  while (!octets.empty()) {
    // Whatever ends here ends before the next octet.
    while (next_ < regions_.size() && regions_[next_].end <= position_) End(regions_[next_++], out);
    const bool inside = next_ < regions_.size() && regions_[next_].begin <= position_;
    const uint64_t until = next_ == regions_.size() ? UINT64_MAX : inside ? regions_[next_].end : regions_[next_].begin;
    const std::string_view piece = octets.substr(0, std::min<uint64_t>(octets.size(), until - position_));
    if (inside) {
      Take(regions_[next_], piece, out);
    } else {
      out->append(piece);
    }
    position_ += piece.size();
    octets.remove_prefix(piece.size());
  }
}

void SevenBitConverter::Finish(std::string* out) {
  while (next_ < regions_.size()) End(regions_[next_++], out);
}

void SevenBitConverter::Take(const Region& region, std::string_view octets, std::string* out) {
  if (region.header) {
    header_.append(octets);
  } else if (IsText(region.part)) {
    quoted_printable_.Append(octets, out);
  } else {
    base64_.Append(octets, out);
  }
}

void SevenBitConverter::End(const Region& region, std::string* out) {
  if (region.header) {
    out->append(Rewrite(structure_.parts[region.part], needs_[region.part]));
    header_.clear();
  } else if (IsText(region.part)) {
    quoted_printable_.Finish(out);
  } else {
    const size_t before = out->size();
    base64_.Finish(out);
    // RFC 2046, 5.1.1: the line end before a delimiter is the delimiter's; ours would be one more.
    const Part& part = structure_.parts[region.part];
    if (out->size() > before && part.parent != kNoPart && out->ends_with("\r\n")) out->resize(out->size() - 2);
  }
}

std::string SevenBitConverter::Rewrite(const Part& part, bool needs) const {
  std::string fields;
  bool mime = false;
  bool type = false;
  HeaderReader reader(header_);
  HeaderField field;
  while (reader.Next(&field)) {
    if (NameEquals(field.name, kEncodingField)) continue;
    mime = mime || NameEquals(field.name, "MIME-Version");
    type = type || NameEquals(field.name, "Content-Type");
    fields.append(field.raw);
  }
  if (!fields.empty() && !fields.ends_with('\n')) fields += "\r\n";
  const bool message = part.parent == kNoPart || structure_.parts[part.parent].kind == PartKind::kMessage;
  if (message && !mime) fields += "MIME-Version: 1.0\r\n";
  // RFC 1428, 3: nobody has said what the octets mean.
  if (needs && !type) fields += "Content-Type: text/plain; charset=unknown-8bit\r\n";
  fields.append(kEncodingField);
  fields += !needs ? ": 7bit\r\n" : part.kind == PartKind::kText ? ": quoted-printable\r\n" : ": base64\r\n";
  if (reader.ended()) fields += "\r\n";
  return fields;
}

}  // namespace mailmesh::mime
