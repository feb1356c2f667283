// A structure as text, and what must hold for every structure. For tests.
#ifndef MAILMESH_TESTS_UNIT_COMMON_MIME_STRUCTURE_FOR_TEST_H_
#define MAILMESH_TESTS_UNIT_COMMON_MIME_STRUCTURE_FOR_TEST_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "common/mime/structure.h"

namespace mailmesh::mime {

// "depth type/subtype header_offset+header_size body_offset+body_size body_lines" for each part.
inline std::string Describe(const Structure& structure) {
  std::string out;
  for (const Part& part : structure.parts) {
    out += std::to_string(part.depth) + ' ' + part.type + '/' + part.subtype + ' ' + std::to_string(part.header_offset) +
           '+' + std::to_string(part.header_size) + ' ' + std::to_string(part.body_offset) + '+' +
           std::to_string(part.body_size) + ' ' + std::to_string(part.header_lines) + '/' +
           std::to_string(part.body_lines) + (part.opaque ? " opaque" : "") + (part.header_cut ? " cut" : "") + '\n';
    for (const Parameter& parameter : part.parameters) out += "  " + parameter.name + '=' + parameter.value + '\n';
    if (part.envelope) out += "  subject " + part.envelope->subject.value_or("(none)") + '\n';
  }
  return out + (structure.truncated ? "truncated\n" : "");
}

inline std::string_view BodyOf(std::string_view message, const Part& part) {
  return message.substr(part.body_offset, part.body_size);
}

// Offsets tile the message: a part is its header and its body; parts lie inside the body of their parent, in order and
// apart; between them is a delimiter.
inline void ExpectTiles(std::string_view message, const Structure& structure) {
  ASSERT_FALSE(structure.parts.empty());
  EXPECT_EQ(structure.size, message.size());
  EXPECT_EQ(structure.root().header_offset, 0u);
  EXPECT_EQ(structure.root().body_offset + structure.root().body_size, message.size());
  for (PartIndex i = 0; i < structure.parts.size(); ++i) {
    const Part& part = structure.parts[i];
    ASSERT_EQ(part.body_offset, part.header_offset + part.header_size);
    const uint64_t end = part.body_offset + part.body_size;
    ASSERT_LE(end, message.size());
    const std::string_view body = BodyOf(message, part);
    ASSERT_EQ(part.body_lines, static_cast<uint64_t>(std::count(body.begin(), body.end(), '\n')));
    const std::string_view header = message.substr(part.header_offset, part.header_size);
    ASSERT_EQ(part.header_lines, static_cast<uint64_t>(std::count(header.begin(), header.end(), '\n')));
    ASSERT_EQ(part.envelope != nullptr, part.is_message);
    uint64_t at = part.body_offset;
    for (PartIndex child = part.first_child; child != kNoPart; child = structure.parts[child].next_sibling) {
      const Part& inner = structure.parts[child];
      ASSERT_EQ(inner.parent, i);
      ASSERT_EQ(inner.depth, part.depth + 1);
      ASSERT_GT(child, i);
      if (part.kind == PartKind::kMessage) {
        ASSERT_EQ(inner.header_offset, part.body_offset);
        ASSERT_EQ(inner.body_offset + inner.body_size, end);
        ASSERT_EQ(inner.next_sibling, kNoPart);
      } else {
        ASSERT_NE(message.substr(at, inner.header_offset - at).find("--"), std::string_view::npos);
        ASSERT_EQ(message[inner.header_offset - 1], '\n');
      }
      at = inner.body_offset + inner.body_size;
      ASSERT_LE(at, end);
    }
    if (part.kind == PartKind::kMessage) {
      ASSERT_NE(part.first_child, kNoPart);
    }
    if (part.kind == PartKind::kText || part.kind == PartKind::kLeaf) {
      ASSERT_EQ(part.first_child, kNoPart);
    }
  }
}

// The same in pieces of `size` octets.
inline Structure ParseInPieces(std::string_view message, size_t size, const StructureLimits& limits = {}) {
  StructureParser parser(limits);
  for (size_t at = 0; at < message.size(); at += size) parser.Feed(message.substr(at, size));
  return std::move(parser).Finish();
}

}  // namespace mailmesh::mime

#endif  // MAILMESH_TESTS_UNIT_COMMON_MIME_STRUCTURE_FOR_TEST_H_
