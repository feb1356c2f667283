#include "services/mailbox_store/engine/section.h"

#include <algorithm>

#include "common/base/status.h"
#include "common/mime/header.h"
#include "services/mailbox_store/engine/errors.h"

namespace mailmesh::mailbox_store {
namespace {

using mailbox::v1::ContentSelector;

constexpr size_t kMaxPath = 200;

// A header and a body that stand one after the other.
struct Span {
  uint64_t header = 0;
  uint64_t header_size = 0;
  uint64_t body = 0;
  uint64_t body_size = 0;
};

Span Of(const mime::Part& part) { return Span{part.header_offset, part.header_size, part.body_offset, part.body_size}; }

Section Missing() {
  Section section;
  section.missing = true;
  return section;
}

Section Octets(uint64_t offset, uint64_t length) {
  Section section;
  section.offset = offset;
  section.length = length;
  return section;
}

// RFC 3501, 6.4.5: "The subset returned by HEADER.FIELDS contains only those header fields with a field-name that matches one
// of the names in the list ... the field-matching is case-insensitive"; the blank line is part of both forms.
std::string PickFields(std::string_view header, const ContentSelector& selector) {
  const bool wanted = selector.section() == ContentSelector::SECTION_HEADER_FIELDS;
  std::string out;
  mime::HeaderReader reader(header);
  mime::HeaderField field;
  while (reader.Next(&field)) {
    const bool named = field.has_colon && std::any_of(selector.fields().begin(), selector.fields().end(),
                                                      [&](const std::string& name) { return mime::NameEquals(name, field.name); });
    if (named == wanted && (field.has_colon || !wanted)) out.append(field.raw);
  }
  out.append("\r\n");
  return out;
}

// Octets of the header and of the first lines of the body.
absl::StatusOr<Section> Top(uint32_t lines, ContentSource& source) {
  uint64_t end = source.header_size();
  while (lines > 0 && end < source.size()) {
    ASSIGN_OR_RETURN(std::string_view piece, source.Read(end, source.size() - end));
    size_t taken = 0;
    while (lines > 0 && taken < piece.size()) {
      const size_t line_end = piece.find('\n', taken);
      taken = line_end == std::string_view::npos ? piece.size() : line_end + 1;
      if (line_end != std::string_view::npos) --lines;
    }
    end += taken;
  }
  return Octets(0, end);
}

absl::StatusOr<Section> HeaderPart(const ContentSelector& selector, const Span& span, ContentSource& source) {
  if (selector.section() == ContentSelector::SECTION_HEADER) return Octets(span.header, span.header_size);
  ASSIGN_OR_RETURN(const std::string header, source.ReadAll(span.header, std::min(span.header_size, kMaxHeader)));
  Section section;
  section.made = PickFields(header, selector);
  return section;
}

// Sections of a message: the whole one, or that within a message/rfc822 part.
absl::StatusOr<Section> OfMessage(const ContentSelector& selector, const Span& span, ContentSource& source) {
  switch (selector.section()) {
    case ContentSelector::SECTION_HEADER:
    case ContentSelector::SECTION_HEADER_FIELDS:
    case ContentSelector::SECTION_HEADER_FIELDS_NOT:
      return HeaderPart(selector, span, source);
    case ContentSelector::SECTION_TEXT:
      return Octets(span.body, span.body_size);
    default:
      return InvalidRequest("section");
  }
}

absl::StatusOr<Section> OfPart(const ContentSelector& selector, ContentSource& source, const mime::Structure& structure) {
  const std::vector<uint32_t> path(selector.part().begin(), selector.part().end());
  const mime::PartIndex index = structure.Find(path);
  if (index == mime::kNoPart) return Missing();
  const mime::Part& part = structure.parts[index];
  switch (selector.section()) {
    case ContentSelector::SECTION_UNSPECIFIED: {
      Section section = Octets(part.body_offset, part.body_size);
      if (selector.decode() && part.kind != mime::PartKind::kMultipart && part.kind != mime::PartKind::kMessage) {
        // RFC 3516, 4.3: an unknown encoding cannot be decoded.
        if (part.encoding == mime::TransferEncoding::kUnknown) return Missing();
        section.decode = part.encoding;
      }
      return section;
    }
    case ContentSelector::SECTION_MIME:
      return Octets(part.header_offset, part.header_size);
    default:
      break;
  }
  // RFC 3501, 6.4.5: HEADER and TEXT of a part need it to be a message.
  if (part.kind != mime::PartKind::kMessage || part.first_child == mime::kNoPart) return Missing();
  return OfMessage(selector, Of(structure.parts[part.first_child]), source);
}

}  // namespace

absl::StatusOr<Section> ResolveSection(const ContentSelector& selector, ContentSource& source,
                                       const std::function<absl::StatusOr<const mime::Structure*>()>& structure) {
  if (selector.part_size() > static_cast<int>(kMaxPath)) return Missing();
  if (!selector.part().empty()) {
    ASSIGN_OR_RETURN(const mime::Structure* tree, structure());
    return OfPart(selector, source, *tree);
  }
  switch (selector.section()) {
    case ContentSelector::SECTION_UNSPECIFIED:
      return Octets(0, source.size());
    case ContentSelector::SECTION_TOP:
      return Top(selector.top_lines(), source);
    default:
      return OfMessage(selector, Span{0, source.header_size(), source.header_size(), source.size() - source.header_size()},
                       source);
  }
}

}  // namespace mailmesh::mailbox_store
