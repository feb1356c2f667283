// Client role: a server's response as a typed head and a tree of values.
//
// The tree knows IMAP's lexical forms and nothing of particular responses, so that unknown ones pass; the helpers below read
// the responses that a fetcher needs. Tolerant where servers are known to err (8-bit in atoms and quoted strings, runs of
// spaces, empty texts), strict about structure: lists and literals are balanced or it is InvalidArgument.
// Thread-safety: free functions and values. Limits: kMaxResponseDepth, kMaxResponseValues. Parsing does not recurse.
// RFC 3501, 7 and 9 (response); RFC 9051.
#ifndef MAILMESH_COMMON_IMAP_RESPONSE_PARSER_H_
#define MAILMESH_COMMON_IMAP_RESPONSE_PARSER_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "common/imap/flags.h"
#include "common/imap/response.h"

namespace mailmesh::imap {

inline constexpr size_t kMaxResponseDepth = 250;
inline constexpr size_t kMaxResponseValues = 300000;

struct Value {
  enum class Kind : uint8_t {
    kAtom,      // numbers, flags, "BODY[HEADER.FIELDS (DATE)]<0>" with all its brackets
    kString,    // quoted or literal
    kStreamed,  // a literal whose octets have been streamed; `size` is how many
    kNil,
    kList,
  };
  Kind kind = Kind::kNil;
  std::string text;
  uint64_t size = 0;
  std::vector<Value> children;

  bool IsAtom(std::string_view name) const;  // any case
  // Whole atom digits, below 2^64.
  std::optional<uint64_t> Number() const;
};

// "+ text"
struct ContinuationResponse {
  std::string text;
};

// "A1 OK [CODE args] text", "* BYE text"
struct StatusResponse {
  std::string tag;  // empty: untagged
  Condition condition = Condition::kOk;
  std::string code;            // upper case; empty: none
  std::vector<Value> arguments;  // of the code; where they are no values, one string with the rest
  std::string text;
};

// "* 12 FETCH (...)", "* LIST ...", "* 3 EXISTS"
struct DataResponse {
  std::optional<uint64_t> number;
  std::string name;  // upper case
  std::vector<Value> values;
};

using Response = std::variant<ContinuationResponse, StatusResponse, DataResponse>;

absl::StatusOr<Response> ParseResponse(std::string_view text, std::span<const size_t> streamed = {});

// The parts of "* n FETCH (...)" that a fetcher uses; what the response does not have stays empty.
struct FetchedMessage {
  uint32_t number = 0;
  std::optional<uint32_t> uid;
  std::optional<uint64_t> size;
  std::optional<FlagList> flags;  // with \Recent, should it be there
  std::optional<std::string> internal_date;  // for ParseDateTime
  std::optional<uint64_t> modseq;
  struct Body {
    std::string name;  // "BODY[]<0>"
    Value value;       // kString, kStreamed or kNil
  };
  std::vector<Body> bodies;  // BODY[...], BINARY[...], RFC822, RFC822.HEADER, RFC822.TEXT
};
absl::StatusOr<FetchedMessage> ReadFetch(DataResponse response);

// "* LIST (\HasNoChildren) "/" INBOX". `name` is UTF-8 where it could be decoded, else as it came, and `decoded` says so.
struct ListedMailbox {
  std::vector<std::string> attributes;
  std::optional<char> delimiter;
  std::string name;
  bool decoded = true;
};
absl::StatusOr<ListedMailbox> ReadList(const DataResponse& response, bool utf8_accept = false);

}  // namespace mailmesh::imap

#endif  // MAILMESH_COMMON_IMAP_RESPONSE_PARSER_H_
