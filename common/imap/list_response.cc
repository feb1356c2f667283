#include "common/imap/list_response.h"

#include <array>

#include "common/imap/chars.h"
#include "common/imap/mailbox_name.h"
#include "common/imap/quote.h"

namespace mailmesh::imap {
namespace {

using internal::AppendNumber;

constexpr std::array<std::string_view, 17> kAttributes = {
    "\\Noinferiors", "\\Noselect", "\\Marked",  "\\Unmarked", "\\NonExistent", "\\HasChildren",
    "\\HasNoChildren", "\\Subscribed", "\\Remote", "\\All",     "\\Archive",     "\\Drafts",
    "\\Flagged",     "\\Junk",     "\\Sent",    "\\Trash",    "\\Important"};

void AppendEntry(std::string& out, std::string_view response, const ListEntry& entry, bool utf8_accept) {
  out.append(response);
  out.push_back('(');
  bool first = true;
  for (size_t i = 0; i < kAttributes.size(); ++i) {
    if ((entry.attributes & (ListAttributes{1} << i)) == 0) continue;
    if (!first) out.push_back(' ');
    first = false;
    out.append(kAttributes[i]);
  }
  out.append(") ");
  if (entry.delimiter == 0) {
    out.append("NIL");
  } else {
    AppendString(out, std::string_view(&entry.delimiter, 1));
  }
  out.push_back(' ');
  AppendMailboxName(out, entry.name, utf8_accept);
}

// RFC 5258, 6 (mbox-list-extended)
void AppendExtended(std::string& out, const ListEntry& entry, bool utf8_accept) {
  if (!entry.child_subscribed && entry.old_name.empty()) return;
  out.append(" (");
  if (entry.child_subscribed) out.append("\"CHILDINFO\" (\"SUBSCRIBED\")");
  if (!entry.old_name.empty()) {
    out.append(entry.child_subscribed ? " \"OLDNAME\" (" : "\"OLDNAME\" (");
    AppendMailboxName(out, entry.old_name, utf8_accept);
    out.push_back(')');
  }
  out.push_back(')');
}

}  // namespace

std::optional<ListAttributes> SpecialUseByName(std::string_view name) {
  for (size_t i = 0; i < kAttributes.size(); ++i) {
    const ListAttributes bit = ListAttributes{1} << i;
    if ((bit & kSpecialUses) != 0 && internal::EqualsIgnoreCase(name, kAttributes[i])) return bit;
  }
  return std::nullopt;
}

void AppendList(std::string& out, const ListEntry& entry, bool utf8_accept) {
  AppendEntry(out, "* LIST ", entry, utf8_accept);
  AppendExtended(out, entry, utf8_accept);
  out.append("\r\n");
}

void AppendLsub(std::string& out, const ListEntry& entry, bool utf8_accept) {
  AppendEntry(out, "* LSUB ", entry, utf8_accept);
  out.append("\r\n");
}

void AppendStatusResponse(std::string& out, std::string_view mailbox, const StatusValues& values, bool utf8_accept) {
  out.append("* STATUS ");
  AppendMailboxName(out, mailbox, utf8_accept);
  out.append(" (");
  bool first = true;
  const auto begin = [&](StatusItems item, std::string_view name) {
    if ((values.items & item) == 0) return false;
    if (!first) out.push_back(' ');
    first = false;
    out.append(name);
    out.push_back(' ');
    return true;
  };
  const auto add = [&](StatusItems item, std::string_view name, uint64_t value) {
    if (begin(item, name)) AppendNumber(out, value);
  };
  add(kStatusMessages, "MESSAGES", values.messages);
  add(kStatusRecent, "RECENT", values.recent);
  add(kStatusUidNext, "UIDNEXT", values.uid_next);
  add(kStatusUidValidity, "UIDVALIDITY", values.uid_validity);
  add(kStatusUnseen, "UNSEEN", values.unseen);
  add(kStatusHighestModSeq, "HIGHESTMODSEQ", values.highest_modseq);
  add(kStatusSize, "SIZE", values.size);
  add(kStatusDeleted, "DELETED", values.deleted);
  add(kStatusDeletedStorage, "DELETED-STORAGE", values.deleted_storage);
  if (begin(kStatusAppendLimit, "APPENDLIMIT")) {
    if (values.append_limit) {
      AppendNumber(out, *values.append_limit);
    } else {
      out.append("NIL");
    }
  }
  out.append(")\r\n");
}

}  // namespace mailmesh::imap
