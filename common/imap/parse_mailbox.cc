// SELECT, EXAMINE, CREATE, RENAME, STATUS, and the commands that name one mailbox and nothing else.
#include <array>
#include <utility>

#include "common/imap/mailbox_name.h"
#include "common/imap/parse.h"

namespace mailmesh::imap::internal {
namespace {

constexpr size_t kMaxSpecialUses = 20;

// RFC 7162, 7: "(" uidvalidity SP mod-sequence-value [SP known-uids] [SP seq-match-data] ")"
bool ParseQResync(Scanner& in, QResync* out) {
  if (!in.Space() || !in.Open() || !in.NzNumber(&out->uid_validity) || !in.Space() || !in.Number64(&out->modseq)) {
    return false;
  }
  if (out->modseq == 0) return in.Fail("MODSEQ must not be zero");
  bool more = in.Take(' ');
  if (more && !in.At('(')) {
    if (!in.KnownSet(&out->known_uids.emplace())) return false;
    more = in.Take(' ');
  }
  if (more) {
    QResync::Match& match = out->match.emplace();
    if (!in.Open() || !in.KnownSet(&match.sequence_numbers) || !in.Space() || !in.KnownSet(&match.uids) || !in.Close()) {
      return false;
    }
  }
  return in.Close();
}

bool ParseSelectParameter(Scanner& in, Select* out) {
  if (in.TakeWord("CONDSTORE")) {
    out->condstore = true;
    return true;
  }
  if (in.TakeWord("QRESYNC")) {
    if (out->qresync) return in.Fail("QRESYNC is given twice");
    return ParseQResync(in, &out->qresync.emplace());
  }
  return in.Fail("Unknown parameter");
}

// RFC 6154, 6: "USE" SP "(" [use-attr *(SP use-attr)] ")"
bool ParseUse(Scanner& in, Create* out) {
  if (!in.TakeWord("USE")) return in.Fail("Unknown parameter");
  if (!in.Space() || !in.Open()) return false;
  if (in.Take(')')) return true;
  do {
    std::string_view name;
    if (!in.Take('\\')) return in.Fail("Expected a special use");
    if (!in.Atom(&name)) return false;
    if (out->special_use.size() == kMaxSpecialUses) return in.Fail("Too many special uses");
    out->special_use.push_back("\\" + std::string(name));
  } while (in.Take(' '));
  return in.Close();
}

struct StatusName {
  std::string_view name;
  StatusItems item;
};
constexpr std::array<StatusName, 10> kStatusNames = {{{"MESSAGES", kStatusMessages},
                                                      {"RECENT", kStatusRecent},
                                                      {"UIDNEXT", kStatusUidNext},
                                                      {"UIDVALIDITY", kStatusUidValidity},
                                                      {"UNSEEN", kStatusUnseen},
                                                      {"HIGHESTMODSEQ", kStatusHighestModSeq},
                                                      {"SIZE", kStatusSize},
                                                      {"DELETED", kStatusDeleted},
                                                      {"DELETED-STORAGE", kStatusDeletedStorage},
                                                      {"APPENDLIMIT", kStatusAppendLimit}}};

bool ParseStatusItem(Scanner& in, StatusItems* items) {
  for (const StatusName& known : kStatusNames) {
    if (!in.TakeWord(known.name)) continue;
    *items |= known.item;
    return true;
  }
  return in.Fail("Unknown STATUS item");
}

}  // namespace

bool ParseOneMailbox(Scanner& in, std::string* mailbox) { return in.Space() && in.Mailbox(mailbox); }

bool ParseSelect(Scanner& in, Select* out) {
  if (!in.Space() || !in.Mailbox(&out->mailbox)) return false;
  if (in.AtEnd()) return true;
  // RFC 4466, 2.1: select-params
  if (!in.Space() || !in.Open()) return false;
  do {
    if (!ParseSelectParameter(in, out)) return false;
  } while (in.Take(' '));
  return in.Close();
}

bool ParseCreate(Scanner& in, Create* out) {
  if (!in.Space() || !in.Mailbox(&out->mailbox)) return false;
  if (out->mailbox.size() > 1 && out->mailbox.back() == kHierarchySeparator) {
    out->mailbox.pop_back();
    out->ended_in_separator = true;
  }
  if (in.AtEnd()) return true;
  // RFC 4466, 2.2: create-params
  if (!in.Space() || !in.Open()) return false;
  do {
    if (!ParseUse(in, out)) return false;
  } while (in.Take(' '));
  return in.Close();
}

bool ParseRename(Scanner& in, Rename* out) {
  return in.Space() && in.Mailbox(&out->from) && in.Space() && in.Mailbox(&out->to);
}

bool ParseStatusItems(Scanner& in, StatusItems* items) {
  if (!in.Open()) return false;
  do {
    if (!ParseStatusItem(in, items)) return false;
  } while (in.Take(' '));
  return in.Close();
}

bool ParseStatus(Scanner& in, Status* out) {
  return in.Space() && in.Mailbox(&out->mailbox) && in.Space() && ParseStatusItems(in, &out->items);
}

}  // namespace mailmesh::imap::internal
