#include "common/imap/response.h"

#include <algorithm>
#include <array>

#include "common/imap/chars.h"
#include "common/imap/mailbox_name.h"
#include "common/imap/quote.h"

namespace mailmesh::imap {
namespace {

using internal::AppendNumber;

constexpr std::array<std::string_view, static_cast<size_t>(Code::kCount)> kCodes = {
    "", "ALERT", "PARSE", "READ-ONLY", "READ-WRITE", "TRYCREATE",
    "UNAVAILABLE", "AUTHENTICATIONFAILED", "AUTHORIZATIONFAILED", "EXPIRED", "PRIVACYREQUIRED", "CONTACTADMIN", "NOPERM", "INUSE",
    "EXPUNGEISSUED", "CORRUPTION", "SERVERBUG", "CLIENTBUG", "CANNOT", "LIMIT", "OVERQUOTA", "ALREADYEXISTS", "NONEXISTENT",
    "TOOBIG", "UIDNOTSTICKY", "NOMODSEQ", "CLOSED", "UNKNOWN-CTE", "USEATTR", "NOTSAVED", "HASCHILDREN"};
static_assert(!kCodes.back().empty());

std::string_view ConditionName(Condition condition) {
  switch (condition) {
    case Condition::kOk: return "OK";
    case Condition::kNo: return "NO";
    case Condition::kBad: return "BAD";
    case Condition::kPreauth: return "PREAUTH";
    case Condition::kBye: return "BYE";
  }
  return "BAD";
}

// RFC 3501, 9 (TEXT-CHAR): a text that had a line end would be read as another response.
void AppendText(std::string& out, std::string_view text) {
  for (const char c : text) out.push_back(c == '\r' || c == '\n' || c == '\0' ? '?' : c);
}

void AppendWords(std::string& out, std::span<const std::string_view> words) {
  for (std::string_view word : words) {
    out.push_back(' ');
    out.append(word);
  }
}

void AppendCount(std::string& out, uint32_t number, std::string_view what) {
  out.append("* ");
  AppendNumber(out, number);
  out.append(what);
  out.append("\r\n");
}

std::string WithNumber(std::string_view name, uint64_t number) {
  std::string text(name);
  AppendNumber(text, number);
  return text;
}

}  // namespace

std::string_view CodeName(Code code) { return code < Code::kCount ? kCodes[static_cast<size_t>(code)] : kCodes[0]; }

ResponseCode ResponseCode::UidNext(Uid uid) { return ResponseCode(WithNumber("UIDNEXT ", uid.value())); }
ResponseCode ResponseCode::UidValidityIs(UidValidity validity) {
  return ResponseCode(WithNumber("UIDVALIDITY ", validity.value()));
}
ResponseCode ResponseCode::Unseen(SequenceNumber first) { return ResponseCode(WithNumber("UNSEEN ", first.value())); }
ResponseCode ResponseCode::HighestModSeq(ModSeq modseq) {
  return ResponseCode(WithNumber("HIGHESTMODSEQ ", modseq.value()));
}

ResponseCode ResponseCode::PermanentFlags(SystemFlags system, std::span<const std::string_view> keywords, bool may_create) {
  std::string text = "PERMANENTFLAGS (";
  const size_t start = text.size();
  AppendFlags(text, system, keywords);
  if (may_create) text.append(text.size() > start ? " \\*" : "\\*");
  text.push_back(')');
  return ResponseCode(std::move(text));
}

ResponseCode ResponseCode::Capability(std::span<const std::string_view> capabilities) {
  std::string text = "CAPABILITY";
  AppendWords(text, capabilities);
  return ResponseCode(std::move(text));
}

ResponseCode ResponseCode::AppendUid(UidValidity validity, const SequenceSet& uids) {
  std::string text = WithNumber("APPENDUID ", validity.value());
  text.push_back(' ');
  uids.AppendTo(text);
  return ResponseCode(std::move(text));
}

ResponseCode ResponseCode::CopyUid(UidValidity validity, const SequenceSet& source, const SequenceSet& destination) {
  std::string text = WithNumber("COPYUID ", validity.value());
  text.push_back(' ');
  source.AppendTo(text);
  text.push_back(' ');
  destination.AppendTo(text);
  return ResponseCode(std::move(text));
}

ResponseCode ResponseCode::Modified(const SequenceSet& set) { return ResponseCode("MODIFIED " + set.ToString()); }

ResponseCode ResponseCode::BadCharset(std::span<const std::string_view> supported) {
  std::string text = "BADCHARSET";
  for (size_t i = 0; i < supported.size(); ++i) {
    text.append(i == 0 ? " (" : " ");
    AppendAString(text, supported[i]);
  }
  if (!supported.empty()) text.push_back(')');
  return ResponseCode(std::move(text));
}

void AppendStatus(std::string& out, std::string_view tag, Condition condition, const ResponseCode& code,
                  std::string_view text) {
  out.append(tag.empty() ? "*" : tag);
  out.push_back(' ');
  out.append(ConditionName(condition));
  out.push_back(' ');
  if (!code.empty()) {
    out.push_back('[');
    out.append(code.text());
    out.append("] ");
  }
  // RFC 3501, 9 (text): at least one character.
  AppendText(out, text.empty() ? "." : text);
  out.append("\r\n");
}

void AppendUntaggedStatus(std::string& out, Condition condition, const ResponseCode& code, std::string_view text) {
  AppendStatus(out, "*", condition, code, text);
}

void AppendContinuation(std::string& out, std::string_view text) {
  out.append("+ ");
  AppendText(out, text);
  out.append("\r\n");
}

void AppendExists(std::string& out, uint32_t messages) { AppendCount(out, messages, " EXISTS"); }
void AppendRecent(std::string& out, uint32_t messages) { AppendCount(out, messages, " RECENT"); }
void AppendExpunge(std::string& out, SequenceNumber number) { AppendCount(out, number.value(), " EXPUNGE"); }

void AppendVanished(std::string& out, const SequenceSet& uids, bool earlier) {
  out.append(earlier ? "* VANISHED (EARLIER) " : "* VANISHED ");
  uids.AppendTo(out);
  out.append("\r\n");
}

void AppendFlagsResponse(std::string& out, SystemFlags system, std::span<const std::string_view> keywords) {
  out.append("* FLAGS (");
  AppendFlags(out, system, keywords);
  out.append(")\r\n");
}

void AppendCapability(std::string& out, std::span<const std::string_view> capabilities) {
  out.append("* CAPABILITY");
  AppendWords(out, capabilities);
  out.append("\r\n");
}

void AppendEnabled(std::string& out, std::span<const std::string_view> capabilities) {
  out.append("* ENABLED");
  AppendWords(out, capabilities);
  out.append("\r\n");
}

void AppendId(std::string& out, std::span<const std::pair<std::string_view, std::string_view>> fields) {
  out.append("* ID ");
  if (fields.empty()) out.append("NIL");
  for (size_t i = 0; i < fields.size(); ++i) {
    out.push_back(i == 0 ? '(' : ' ');
    AppendString(out, fields[i].first);
    out.push_back(' ');
    AppendString(out, fields[i].second);
  }
  if (!fields.empty()) out.push_back(')');
  out.append("\r\n");
}

namespace {

void AppendNamespaceList(std::string& out, std::span<const NamespaceEntry> entries, bool utf8_accept) {
  out.push_back(' ');
  if (entries.empty()) {
    out.append("NIL");
    return;
  }
  out.push_back('(');
  for (const NamespaceEntry& entry : entries) {
    // RFC 2342, 6: the prefix is a string, never an atom; its encoding is a mailbox name's.
    out.push_back('(');
    AppendString(out, utf8_accept ? std::string(entry.prefix) : EncodeModifiedUtf7(entry.prefix), utf8_accept);
    out.push_back(' ');
    if (entry.delimiter == 0) {
      out.append("NIL");
    } else {
      AppendString(out, std::string_view(&entry.delimiter, 1));
    }
    out.push_back(')');
  }
  out.push_back(')');
}

}  // namespace

void AppendNamespace(std::string& out, std::span<const NamespaceEntry> personal, std::span<const NamespaceEntry> others,
                     std::span<const NamespaceEntry> shared, bool utf8_accept) {
  out.append("* NAMESPACE");
  AppendNamespaceList(out, personal, utf8_accept);
  AppendNamespaceList(out, others, utf8_accept);
  AppendNamespaceList(out, shared, utf8_accept);
  out.append("\r\n");
}

void AppendQuota(std::string& out, std::string_view root, std::span<const QuotaResource> resources) {
  out.append("* QUOTA ");
  AppendAString(out, root);
  out.append(" (");
  for (size_t i = 0; i < resources.size(); ++i) {
    if (i > 0) out.push_back(' ');
    out.append(resources[i].name);
    out.push_back(' ');
    AppendNumber(out, resources[i].usage);
    out.push_back(' ');
    AppendNumber(out, resources[i].limit);
  }
  out.append(")\r\n");
}

void AppendQuotaRoot(std::string& out, std::string_view mailbox, std::span<const std::string_view> roots, bool utf8_accept) {
  out.append("* QUOTAROOT ");
  AppendMailboxName(out, mailbox, utf8_accept);
  for (std::string_view root : roots) {
    out.push_back(' ');
    AppendAString(out, root);
  }
  out.append("\r\n");
}

}  // namespace mailmesh::imap
