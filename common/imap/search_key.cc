#include "common/imap/search_key.h"

#include <string_view>

#include "common/imap/chars.h"
#include "common/imap/quote.h"

namespace mailmesh::imap {
namespace {

using Kind = SearchKey::Kind;

std::string_view FlagName(SystemFlags flag) {
  switch (flag) {
    case kAnswered: return "ANSWERED";
    case kFlagged: return "FLAGGED";
    case kDeleted: return "DELETED";
    case kSeen: return "SEEN";
    case kDraft: return "DRAFT";
    default: return "RECENT";
  }
}

std::string_view Name(const SearchKey& key) {
  switch (key.kind) {
    case Kind::kAll: return "ALL";
    case Kind::kAnd: return "";
    case Kind::kOr: return "OR";
    case Kind::kNot: return "NOT ";
    case Kind::kFlag: return FlagName(key.flag);
    case Kind::kKeyword: return "KEYWORD ";
    case Kind::kSequence: return "";
    case Kind::kUid: return "UID ";
    case Kind::kLarger: return "LARGER ";
    case Kind::kSmaller: return "SMALLER ";
    case Kind::kModSeq: return "MODSEQ ";
    case Kind::kOlder: return "OLDER ";
    case Kind::kYounger: return "YOUNGER ";
    case Kind::kBefore: return "BEFORE ";
    case Kind::kOn: return "ON ";
    case Kind::kSince: return "SINCE ";
    case Kind::kSentBefore: return "SENTBEFORE ";
    case Kind::kSentOn: return "SENTON ";
    case Kind::kSentSince: return "SENTSINCE ";
    case Kind::kBcc: return "BCC ";
    case Kind::kCc: return "CC ";
    case Kind::kFrom: return "FROM ";
    case Kind::kSubject: return "SUBJECT ";
    case Kind::kTo: return "TO ";
    case Kind::kBody: return "BODY ";
    case Kind::kText: return "TEXT ";
    case Kind::kHeader: return "HEADER ";
  }
  return "";
}

void AppendArgument(std::string& out, const SearchKey& key) {
  switch (key.kind) {
    case Kind::kSequence:
    case Kind::kUid:
      key.set.AppendTo(out);
      break;
    case Kind::kModSeq:
      if (!key.field.empty()) {
        AppendString(out, key.field);
        out.append(" all ");
      }
      [[fallthrough]];
    case Kind::kLarger:
    case Kind::kSmaller:
    case Kind::kOlder:
    case Kind::kYounger:
      internal::AppendNumber(out, key.number);
      break;
    case Kind::kBefore:
    case Kind::kOn:
    case Kind::kSince:
    case Kind::kSentBefore:
    case Kind::kSentOn:
    case Kind::kSentSince:
      AppendDate(out, key.date);
      break;
    case Kind::kHeader:
      AppendAString(out, key.field);
      out.push_back(' ');
      AppendAString(out, key.text);
      break;
    case Kind::kKeyword:
      out.append(key.text);
      break;
    case Kind::kBcc:
    case Kind::kCc:
    case Kind::kFrom:
    case Kind::kSubject:
    case Kind::kTo:
    case Kind::kBody:
    case Kind::kText:
      AppendAString(out, key.text);
      break;
    case Kind::kAll:
    case Kind::kAnd:
    case Kind::kOr:
    case Kind::kNot:
    case Kind::kFlag:
      break;
  }
}

void AppendKey(std::string& out, const SearchKey& key, bool top) {
  if (key.kind == Kind::kAnd) {
    if (!top) out.push_back('(');
    for (size_t i = 0; i < key.children.size(); ++i) {
      if (i > 0) out.push_back(' ');
      AppendKey(out, key.children[i], false);
    }
    if (!top) out.push_back(')');
    return;
  }
  if (key.kind == Kind::kOr) {
    for (size_t i = 0; i < key.children.size(); ++i) {
      if (i > 0) out.push_back(' ');
      if (i + 1 < key.children.size()) out.append("OR ");
      AppendKey(out, key.children[i], false);
    }
    return;
  }
  out.append(Name(key));
  AppendArgument(out, key);
  for (const SearchKey& child : key.children) AppendKey(out, child, false);
}

}  // namespace

void AppendSearchKey(std::string& out, const SearchKey& key) { AppendKey(out, key, true); }

}  // namespace mailmesh::imap
