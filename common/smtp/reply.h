// One reply: a code, perhaps an enhanced code, and lines of text.
//
// What the program itself says is a named constant in replies.h; a Reply is what comes from there, from a peer, or from
// policy.
// Thread-safety: values. Limits: formatted lines are cut to 512 octets by continuing them on further lines; control
// characters in the text become '?', so that nothing that a peer said can end a line early.
// RFC 5321, 4.2; RFC 2034.
#ifndef MAILMESH_COMMON_SMTP_REPLY_H_
#define MAILMESH_COMMON_SMTP_REPLY_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/smtp/enhanced_status.h"

namespace mailmesh::smtp {

// A reply that is known at compile time.
struct CannedReply {
  uint16_t code = 0;
  EnhancedStatus enhanced;
  std::string_view text;
};

struct Reply {
  uint16_t code = 0;  // 200 to 599
  EnhancedStatus enhanced;
  std::vector<std::string> lines;  // without codes; at least one when parsed

  Reply() = default;
  Reply(const CannedReply& canned)  // NOLINT(google-explicit-constructor): a canned reply is a reply
      : code(canned.code), enhanced(canned.enhanced), lines{std::string(canned.text)} {}
  Reply(uint16_t code, EnhancedStatus enhanced, std::string text)
      : code(code), enhanced(enhanced), lines{std::move(text)} {}

  // RFC 5321, 4.2.1.
  bool IsPositive() const { return code >= 200 && code < 300; }
  bool IsIntermediate() const { return code >= 300 && code < 400; }
  bool IsTemporary() const { return code >= 400 && code < 500; }
  bool IsPermanent() const { return code >= 500 && code < 600; }

  // For logs and DSNs: "550 5.1.1 no such user", lines joined by spaces.
  std::string ToString() const;

  bool operator==(const Reply&) const = default;
};

// RFC 2034, 4: the enhanced code stands in each line of 2yz, 4yz and 5yz replies, if `with_enhanced`.
void AppendReply(const Reply& reply, bool with_enhanced, std::string& out);
void AppendReply(const CannedReply& reply, bool with_enhanced, std::string& out);

}  // namespace mailmesh::smtp

#endif  // MAILMESH_COMMON_SMTP_REPLY_H_
