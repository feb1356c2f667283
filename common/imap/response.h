// Status responses with their codes, and the short untagged responses. All append to a string; nothing is sent.
//
// See list_response.h, fetch_response.h and search_response.h for the larger ones.
// Texts for people must not hold secrets or internals; what cannot stand in a line is replaced by "?".
// Thread-safety: free functions and values.
// RFC 3501, 7; RFC 5530 (codes); RFC 4315; RFC 7162; RFC 9208; RFC 2971; RFC 2342; RFC 5161.
#ifndef MAILMESH_COMMON_IMAP_RESPONSE_H_
#define MAILMESH_COMMON_IMAP_RESPONSE_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/ids.h"
#include "common/imap/flags.h"
#include "common/imap/sequence_set.h"

namespace mailmesh::imap {

enum class Condition : uint8_t { kOk, kNo, kBad, kPreauth, kBye };

// The codes without arguments.
enum class Code : uint8_t {
  kNone,
  // RFC 3501, 7.1
  kAlert, kParse, kReadOnly, kReadWrite, kTryCreate,
  // RFC 5530
  kUnavailable, kAuthenticationFailed, kAuthorizationFailed, kExpired, kPrivacyRequired, kContactAdmin, kNoPerm, kInUse,
  kExpungeIssued, kCorruption, kServerBug, kClientBug, kCannot, kLimit, kOverQuota, kAlreadyExists, kNonExistent,
  // RFC 4469, RFC 7889 / RFC 4315 / RFC 7162 / RFC 3516 / RFC 6154 / RFC 5182 / RFC 9051
  kTooBig, kUidNotSticky, kNoModSeq, kClosed, kUnknownCte, kUseAttr, kNotSaved, kHasChildren,
  kCount
};
// "ALERT"; empty for kNone. Static.
std::string_view CodeName(Code code);

// What stands between the brackets.
class ResponseCode {
 public:
  ResponseCode() = default;
  ResponseCode(Code code) : text_(CodeName(code)) {}  // NOLINT: a Code is a ResponseCode

  static ResponseCode UidNext(Uid uid);
  static ResponseCode UidValidityIs(UidValidity validity);
  static ResponseCode Unseen(SequenceNumber first);
  static ResponseCode HighestModSeq(ModSeq modseq);
  static ResponseCode PermanentFlags(SystemFlags system, std::span<const std::string_view> keywords, bool may_create);
  static ResponseCode Capability(std::span<const std::string_view> capabilities);
  static ResponseCode AppendUid(UidValidity validity, const SequenceSet& uids);
  static ResponseCode CopyUid(UidValidity validity, const SequenceSet& source, const SequenceSet& destination);
  static ResponseCode Modified(const SequenceSet& set);
  // RFC 3501, 7.1: "[BADCHARSET (UTF-8 ...)]"; the names as astrings.
  static ResponseCode BadCharset(std::span<const std::string_view> supported);

  const std::string& text() const { return text_; }
  bool empty() const { return text_.empty(); }

 private:
  explicit ResponseCode(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

// "A1 OK [CODE] text". An empty tag stands for "*".
void AppendStatus(std::string& out, std::string_view tag, Condition condition, const ResponseCode& code,
                  std::string_view text);
// "* OK [CODE] text"
void AppendUntaggedStatus(std::string& out, Condition condition, const ResponseCode& code, std::string_view text);
// "+ text": for literals and IDLE a text for people, for AUTHENTICATE base64 (which may be empty: "+ ").
void AppendContinuation(std::string& out, std::string_view text);

void AppendExists(std::string& out, uint32_t messages);
void AppendRecent(std::string& out, uint32_t messages);
void AppendExpunge(std::string& out, SequenceNumber number);
// RFC 7162, 3.2.10. The set must be resolved and not empty.
void AppendVanished(std::string& out, const SequenceSet& uids, bool earlier);
// "* FLAGS (...)"
void AppendFlagsResponse(std::string& out, SystemFlags system, std::span<const std::string_view> keywords);
void AppendCapability(std::string& out, std::span<const std::string_view> capabilities);
void AppendEnabled(std::string& out, std::span<const std::string_view> capabilities);
// RFC 2971. No fields: NIL.
void AppendId(std::string& out, std::span<const std::pair<std::string_view, std::string_view>> fields);

// RFC 2342: each of the three may have prefixes with their delimiter; an empty one is NIL.
struct NamespaceEntry {
  std::string_view prefix;  // UTF-8
  char delimiter = '/';     // 0: NIL
};
void AppendNamespace(std::string& out, std::span<const NamespaceEntry> personal, std::span<const NamespaceEntry> others,
                     std::span<const NamespaceEntry> shared, bool utf8_accept);

// RFC 9208.
struct QuotaResource {
  std::string_view name;  // "STORAGE" (in units of 1024 octets), "MESSAGE", "MAILBOX"
  uint64_t usage = 0;
  uint64_t limit = 0;
};
void AppendQuota(std::string& out, std::string_view root, std::span<const QuotaResource> resources);
void AppendQuotaRoot(std::string& out, std::string_view mailbox, std::span<const std::string_view> roots,
                     bool utf8_accept);

}  // namespace mailmesh::imap

#endif  // MAILMESH_COMMON_IMAP_RESPONSE_H_
