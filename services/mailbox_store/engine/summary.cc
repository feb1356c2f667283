#include "services/mailbox_store/engine/summary.h"

#include <algorithm>
#include <utility>

#include "common/imap/body_structure.h"
#include "common/imap/envelope.h"
#include "common/mime/encoded_word.h"
#include "common/mime/envelope.h"
#include "common/mime/header.h"
#include "common/text/ascii.h"
#include "services/mailbox_store/engine/search_record.h"

namespace mailmesh::mailbox_store {
namespace {

// As much of a message's header as the structure's parser looks at.
constexpr size_t kMaxHeader = 128 << 10;

storage::v1::MessageStructure ToStored(const mime::Structure& structure) {
  storage::v1::MessageStructure stored;
  stored.set_size(structure.size);
  for (const mime::Part& part : structure.parts) {
    auto* out = stored.add_parts();
    out->set_kind(static_cast<uint32_t>(part.kind));
    out->set_encoding(static_cast<uint32_t>(part.encoding));
    out->set_parent(part.parent == mime::kNoPart ? 0 : part.parent + 1);
    out->set_header_offset(part.header_offset);
    out->set_header_size(part.header_size);
    out->set_body_size(part.body_size);
    out->set_is_message(part.is_message);
    out->set_opaque(part.opaque);
    if (part.kind != mime::PartKind::kText) continue;
    out->set_charset(mime::DecodedParameter(part.parameters, "charset"));
    if (!text::EqualsIgnoreAsciiCase(part.subtype, "plain")) out->set_subtype(part.subtype);
  }
  return stored;
}

}  // namespace

mime::Structure ToMime(const storage::v1::MessageStructure& stored) {
  mime::Structure structure;
  structure.size = stored.size();
  structure.parts.reserve(static_cast<size_t>(stored.parts_size()));
  std::vector<mime::PartIndex> last_child(static_cast<size_t>(stored.parts_size()), mime::kNoPart);
  for (const auto& in : stored.parts()) {
    const auto index = static_cast<mime::PartIndex>(structure.parts.size());
    mime::Part part;
    part.kind = static_cast<mime::PartKind>(std::min<uint32_t>(in.kind(), static_cast<uint32_t>(mime::PartKind::kMessage)));
    part.encoding = static_cast<mime::TransferEncoding>(
        std::min<uint32_t>(in.encoding(), static_cast<uint32_t>(mime::TransferEncoding::kUnknown)));
    part.is_message = in.is_message();
    part.opaque = in.opaque();
    part.header_offset = in.header_offset();
    part.header_size = in.header_size();
    part.body_offset = in.header_offset() + in.header_size();
    part.body_size = in.body_size();
    part.subtype = in.subtype().empty() ? "plain" : in.subtype();
    if (!in.charset().empty()) part.parameters.push_back(mime::Parameter{"charset", in.charset()});
    if (in.parent() > 0 && in.parent() <= index) {
      part.parent = in.parent() - 1;
      mime::Part& parent = structure.parts[part.parent];
      part.depth = static_cast<uint16_t>(parent.depth + 1);
      if (last_child[part.parent] == mime::kNoPart) {
        parent.first_child = index;
      } else {
        structure.parts[last_child[part.parent]].next_sibling = index;
      }
      last_child[part.parent] = index;
    }
    structure.parts.push_back(std::move(part));
  }
  if (structure.parts.empty()) structure.parts.emplace_back();
  return structure;
}

void Summary::ShiftBy(uint64_t octets) {
  if (octets == 0) return;
  for (int i = 0; i < structure.parts_size(); ++i) {
    auto* part = structure.mutable_parts(i);
    if (i == 0) {
      part->set_header_size(part->header_size() + octets);
    } else {
      part->set_header_offset(part->header_offset() + octets);
    }
  }
  structure.set_size(structure.size() + octets);
  header_size += octets;
  size += octets;
}

size_t Summary::MemoryEstimate() const {
  return envelope.size() + body.size() + body_structure.size() + search.size() + structure.SpaceUsedLong();
}

SummaryBuilder::SummaryBuilder() = default;

void SummaryBuilder::Feed(std::string_view octets) {
  if (!scanner_.header_ended()) {
    scanner_.Feed(octets);
    const size_t room = kMaxHeader - std::min(kMaxHeader, header_.size());
    const size_t wanted = static_cast<size_t>(
        std::min<uint64_t>(octets.size(), scanner_.header_size() - std::min<uint64_t>(header_.size(), scanner_.header_size())));
    header_.append(octets.substr(0, std::min(room, wanted)));
  }
  parser_.Feed(octets);
}

Summary SummaryBuilder::Finish() && {
  const mime::Structure structure = std::move(parser_).Finish();
  Summary summary;
  if (structure.root().envelope != nullptr) {
    imap::AppendEnvelope(summary.envelope, *structure.root().envelope);
  } else {
    imap::AppendEnvelope(summary.envelope, mime::Envelope());
  }
  imap::BodyStructureOptions options;
  options.extensible = false;
  imap::AppendBodyStructure(summary.body, structure, options);
  options.extensible = true;
  imap::AppendBodyStructure(summary.body_structure, structure, options);
  summary.search = MakeSearchRecord(header_);
  summary.structure = ToStored(structure);
  summary.header_size = structure.root().header_size;
  summary.size = structure.size;
  return summary;
}

Summary Summarise(std::string_view message) {
  SummaryBuilder builder;
  builder.Feed(message);
  return std::move(builder).Finish();
}

bool HasSummarisedFields(std::string_view header_block) {
  mime::EnvelopeBuilder envelope;
  mime::HeaderReader reader(header_block);
  mime::HeaderField field;
  while (reader.Next(&field)) {
    if (envelope.AddField(field) || SearchFieldByName(field.name) ||
        text::StartsWithIgnoreAsciiCase(field.name, "Content-") || mime::NameEquals(field.name, "MIME-Version")) {
      return true;
    }
  }
  // A blank line within would end the message's header.
  return reader.ended();
}

}  // namespace mailmesh::mailbox_store
