// STORE, COPY, MOVE, EXPUNGE.
#include "common/imap/parse.h"

namespace mailmesh::imap::internal {
namespace {

// RFC 7162, 7: "(UNCHANGEDSINCE 12121230045)"
bool ParseStoreModifiers(Scanner& in, Store* out) {
  if (!in.Open()) return false;
  if (!in.TakeWord("UNCHANGEDSINCE")) return in.Fail("Unknown STORE modifier");
  return in.Space() && in.Number64(&out->unchanged_since.emplace()) && in.Close() && in.Space();
}

}  // namespace

bool ParseExpunge(Scanner& in, bool uid, Expunge* out) {
  // RFC 4315, 2.1: the set comes with UID EXPUNGE, and only there.
  return !uid || (in.Space() && in.Set(&out->uids.emplace()));
}

bool ParseStore(Scanner& in, Store* out) {
  if (!in.Space() || !in.Set(&out->set) || !in.Space()) return false;
  if (in.At('(') && !ParseStoreModifiers(in, out)) return false;
  if (in.Take('+')) {
    out->mode = Store::Mode::kAdd;
  } else if (in.Take('-')) {
    out->mode = Store::Mode::kRemove;
  }
  if (in.TakeWord("FLAGS.SILENT")) {
    out->silent = true;
  } else if (!in.TakeWord("FLAGS")) {
    return in.Fail("Unknown STORE item");
  }
  return in.Space() && in.Flags(&out->flags, true);
}

bool ParseSetAndMailbox(Scanner& in, SequenceSet* set, std::string* mailbox) {
  return in.Space() && in.Set(set) && in.Space() && in.Mailbox(mailbox);
}

}  // namespace mailmesh::imap::internal
