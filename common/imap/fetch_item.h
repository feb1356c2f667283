// What FETCH asks for, and how the same is named in its answer.
//
// Thread-safety: values. Limits: kMaxFetchItems, kMaxPartDepth, kMaxHeaderFields.
// RFC 3501, 6.4.5 and 9 (fetch-att, section); RFC 3516 (BINARY); RFC 7162 (MODSEQ).
#ifndef MAILMESH_COMMON_IMAP_FETCH_ITEM_H_
#define MAILMESH_COMMON_IMAP_FETCH_ITEM_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace mailmesh::imap {

inline constexpr size_t kMaxFetchItems = 1000;
inline constexpr size_t kMaxPartDepth = 200;
inline constexpr size_t kMaxHeaderFields = 1000;

// What stands between the brackets of BODY[...].
struct Section {
  enum class Text : uint8_t {
    kAll,              // the whole message or part
    kHeader,           // HEADER
    kHeaderFields,     // HEADER.FIELDS (...)
    kHeaderFieldsNot,  // HEADER.FIELDS.NOT (...)
    kText,             // TEXT
    kMime,             // MIME: needs a part
  };
  std::vector<uint32_t> part;  // {1, 2} for "1.2"; empty: the message
  Text text = Text::kAll;
  std::vector<std::string> fields;  // as the client wrote them

  bool operator==(const Section&) const = default;
};

// "<0.100>". A server clips it: what is asked beyond the end is an empty string.
struct Partial {
  uint64_t offset = 0;
  uint64_t size = 0;  // never 0 in what was parsed
  bool operator==(const Partial&) const = default;
};

struct FetchItem {
  enum class Kind : uint8_t {
    kUid,
    kFlags,
    kInternalDate,
    kRfc822Size,
    kModSeq,
    kEnvelope,
    kBody,           // BODY: the structure without extension data
    kBodyStructure,  // BODYSTRUCTURE
    // The kinds with a section. RFC822 and its kin have the section that they mean, and their own name in the answer.
    kBodySection,    // BODY[...], BODY.PEEK[...]
    kRfc822,         // BODY[]
    kRfc822Header,   // BODY.PEEK[HEADER]
    kRfc822Text,     // BODY[TEXT]
    kBinary,         // BINARY[...], BINARY.PEEK[...]: decoded from its transfer encoding; only `section.part`
    kBinarySize,     // BINARY.SIZE[...]
  };
  Kind kind = Kind::kUid;
  bool peek = false;  // does not set \Seen; true for RFC822.HEADER and BINARY.SIZE too
  Section section;
  std::optional<Partial> partial;

  bool HasSection() const { return kind >= Kind::kBodySection; }
  // RFC 3501, 6.4.5: whether asking sets \Seen.
  bool SetsSeen() const { return HasSection() && !peek; }
  bool operator==(const FetchItem&) const = default;
};

// "BODY[1.2.HEADER.FIELDS (A B)]<0>": the name of an item in the FETCH response. RFC 3501, 7.4.2: no ".PEEK", and of the
// partial only the origin.
void AppendFetchItemName(std::string& out, const FetchItem& item);
// As a client asks for it: "BODY.PEEK[1]<0.100>".
void AppendFetchRequest(std::string& out, const FetchItem& item);

// One item or a parenthesised list or a macro, nothing else: "FAST", "(UID BODY[])". For tools and tests.
absl::StatusOr<std::vector<FetchItem>> ParseFetchItems(std::string_view text);

}  // namespace mailmesh::imap

#endif  // MAILMESH_COMMON_IMAP_FETCH_ITEM_H_
