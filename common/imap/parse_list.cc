// LIST with its extensions, LSUB. RFC 5258, 6; RFC 5819; RFC 6154.
#include <utility>

#include "common/imap/parse.h"

namespace mailmesh::imap::internal {
namespace {

constexpr size_t kMaxPatterns = 200;

bool ParseSelectionOption(Scanner& in, List::Selection* select) {
  if (in.TakeWord("SUBSCRIBED")) {
    select->subscribed = true;
  } else if (in.TakeWord("REMOTE")) {
    select->remote = true;
  } else if (in.TakeWord("RECURSIVEMATCH")) {
    select->recursive_match = true;
  } else if (in.TakeWord("SPECIAL-USE")) {
    select->special_use = true;
  } else {
    return in.Fail("Unknown LIST selection option");
  }
  return true;
}

bool ParseSelection(Scanner& in, List::Selection* select) {
  if (!in.Open()) return false;
  if (in.Take(')')) return true;
  do {
    if (!ParseSelectionOption(in, select)) return false;
  } while (in.Take(' '));
  // RFC 5258, 3.1: RECURSIVEMATCH needs an option that says what is to match; REMOTE alone is none. RFC 6154, 6 makes
  // SPECIAL-USE an independent option, yet 3 allows the two together, and so does Dovecot.
  if (select->recursive_match && !select->subscribed && !select->special_use) {
    return in.Fail("RECURSIVEMATCH needs another selection option");
  }
  return in.Close();
}

bool ParseReturnOption(Scanner& in, List::Return* returns) {
  if (in.TakeWord("SUBSCRIBED")) {
    returns->subscribed = true;
  } else if (in.TakeWord("CHILDREN")) {
    returns->children = true;
  } else if (in.TakeWord("SPECIAL-USE")) {
    returns->special_use = true;
  } else if (in.TakeWord("STATUS")) {
    return in.Space() && ParseStatusItems(in, &returns->status);
  } else {
    return in.Fail("Unknown LIST return option");
  }
  return true;
}

bool ParseReturn(Scanner& in, List::Return* returns) {
  if (!in.TakeWord("RETURN")) return in.Fail("Expected RETURN");
  if (!in.Space() || !in.Open()) return false;
  if (in.Take(')')) return true;
  do {
    if (!ParseReturnOption(in, returns)) return false;
  } while (in.Take(' '));
  return in.Close();
}

bool ParsePatterns(Scanner& in, List* out) {
  if (!in.At('(')) return in.ListPattern(&out->patterns.emplace_back());
  out->extended = true;
  in.Take('(');
  do {
    if (out->patterns.size() == kMaxPatterns) return in.Fail("Too many patterns");
    if (!in.ListPattern(&out->patterns.emplace_back())) return false;
  } while (in.Take(' '));
  return in.Close();
}

}  // namespace

bool ParseList(Scanner& in, List* out) {
  if (!in.Space()) return false;
  if (in.At('(')) {
    out->extended = true;
    if (!ParseSelection(in, &out->select) || !in.Space()) return false;
  }
  if (!in.Mailbox(&out->reference) || !in.Space() || !ParsePatterns(in, out)) return false;
  if (in.AtEnd()) return true;
  out->extended = true;
  return in.Space() && ParseReturn(in, &out->returns);
}

bool ParseLsub(Scanner& in, Lsub* out) {
  return in.Space() && in.Mailbox(&out->reference) && in.Space() && in.ListPattern(&out->pattern);
}

}  // namespace mailmesh::imap::internal
