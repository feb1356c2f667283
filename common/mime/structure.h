// The MIME structure of a message: a tree of parts with their offsets, read in one pass over pieces of any size.
//
// Flow: StructureParser parser; parser.Feed(piece)...; Structure structure = std::move(parser).Finish();
// It holds no message octets but the header that is being read. All offsets count from the first octet of the message,
// all sizes are octets as they are stored.
// Where the RFCs leave room it answers as Dovecot: no MIME-Version is needed, continued parameters are joined, damage
// gives what can be told of it.
// Thread-safety: a parser belongs to one thread; a Structure is a value. Never throws on input, no recursion.
// Limits: StructureLimits, each with its effect. Time is linear in the message, whatever its nesting.
// RFC 2045, RFC 2046 (5.1 multipart, 5.2.1 message/rfc822), RFC 2183 (disposition), RFC 2231 (parameters), RFC 6532.
#ifndef MAILMESH_COMMON_MIME_STRUCTURE_H_
#define MAILMESH_COMMON_MIME_STRUCTURE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/mime/envelope.h"
#include "common/mime/parameter.h"

namespace mailmesh::mime {

// Index of a part in Structure::parts.
using PartIndex = uint32_t;
inline constexpr PartIndex kNoPart = 0xffffffff;

enum class PartKind : uint8_t {
  kText,       // text/*: a leaf; IMAP tells its lines
  kLeaf,       // any other leaf
  kMultipart,  // children are its body parts; none, if no boundary is named or met (IMAP then shows one empty text/plain)
  kMessage,    // message/rfc822 or message/global: one child, the root of the message within; IMAP tells its lines
};

enum class TransferEncoding : uint8_t { k7Bit, k8Bit, kBinary, kQuotedPrintable, kBase64, kUnknown };

// A body part, or a message (the root, and the child of a kMessage part).
struct Part {
  PartKind kind = PartKind::kText;
  TransferEncoding encoding = TransferEncoding::k7Bit;
  uint16_t depth = 0;          // 0: the root
  bool is_message = false;     // its header is a message's header: `envelope` is set
  bool opaque = false;         // a multipart or message beyond max_depth or max_parts: shown as application/octet-stream
  bool header_cut = false;     // the header was larger than the limits: what stood beyond them was not looked at
  PartIndex parent = kNoPart;
  PartIndex first_child = kNoPart;
  PartIndex next_sibling = kNoPart;

  uint64_t header_offset = 0;
  uint64_t header_size = 0;    // with the blank line, if there is one
  uint64_t body_offset = 0;    // = header_offset + header_size
  // RFC 2046, 5.1.1: the line end before a delimiter belongs to the delimiter. A multipart's body holds its delimiters,
  // preamble and epilogue too.
  uint64_t body_size = 0;
  uint64_t header_lines = 0;   // line ends in the header
  uint64_t body_lines = 0;     // line ends in the body

  // As written. RFC 2045, 5.2: text/plain (below multipart/digest: message/rfc822) where the header names no type. A type
  // without subtype gets "plain" for text, "unknown" for others, as in Dovecot. IMAP adds ("charset" "us-ascii") to the
  // parameters of text that has no charset.
  std::string type = "text";
  std::string subtype = "plain";
  std::vector<Parameter> parameters;
  bool type_is_default = true;
  std::optional<std::string> transfer_encoding;  // as written, comments removed; absent: 7bit
  std::optional<std::string> content_id;
  std::optional<std::string> description;
  std::optional<std::string> md5;
  std::optional<std::string> disposition;        // the token, as written
  std::vector<Parameter> disposition_parameters;
  std::vector<std::string> languages;
  std::optional<std::string> location;
  std::unique_ptr<const Envelope> envelope;      // with is_message

};

struct Structure {
  std::vector<Part> parts;        // never empty; parts[0] is the message; parents before children, in message order
  uint64_t size = 0;              // octets of the message
  bool truncated = false;         // a limit was met somewhere

  const Part& root() const { return parts.front(); }
  // IMAP's part numbers (RFC 3501, 6.4.5), e.g. {1, 2} for "1.2"; an empty path is the message. kNoPart: no such part.
  // A number inside a message/rfc822 part counts the parts of the message within; part 1 of a message that is no
  // multipart is that message's body: the index returned is then the message's own (root or child of a kMessage part).
  // Linear in the children passed.
  PartIndex Find(const std::vector<uint32_t>& path) const;
};

struct StructureLimits {
  uint32_t max_depth = 100;               // deeper multiparts and messages become opaque leaves
  uint32_t max_parts = 10000;             // the last one takes in all that follows, to the end of the message
  size_t max_header_size = 256 * 1024;    // octets of one header looked at
  size_t max_kept_size = 4 * 1024 * 1024;  // octets of text kept in all parts together; then parts keep only their type
  EnvelopeLimits envelope;                // of one message; all together are bounded by max_kept_size
};

class StructureParser {
 public:
  explicit StructureParser(const StructureLimits& limits = {});
  ~StructureParser();
  StructureParser(StructureParser&&) noexcept;
  StructureParser& operator=(StructureParser&&) noexcept;

  void Feed(std::string_view octets);
  Structure Finish() &&;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// The whole message at once.
Structure ParseStructure(std::string_view message, const StructureLimits& limits = {});

}  // namespace mailmesh::mime

#endif  // MAILMESH_COMMON_MIME_STRUCTURE_H_
