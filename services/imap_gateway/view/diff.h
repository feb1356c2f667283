// What lies between two versions of a mailbox, as IMAP tells it; and the version between them that a client may be
// told of while EXPUNGE may not be said.
//
// Thread-safety: functions of immutable values. Cost: the pages that differ; a pointer for each of the others.
// RFC 3501, 7.3.1, 7.4.1, 7.4.2; RFC 2180.
#ifndef MAILMESH_SERVICES_IMAP_GATEWAY_VIEW_DIFF_H_
#define MAILMESH_SERVICES_IMAP_GATEWAY_VIEW_DIFF_H_

#include <vector>

#include "services/imap_gateway/view/version.h"

namespace mailmesh::imap_gateway {

struct Diff {
  // Sequence numbers in the older version, ascending: the i-th is told as expunged[i] - i.
  std::vector<uint32_t> expunged;
  // Sequence numbers in the newer version of messages that both have, and whose flags differ.
  std::vector<uint32_t> flags_changed;
  // Messages that only the newer one has.
  uint32_t added = 0;

  bool empty() const { return expunged.empty() && flags_changed.empty() && added == 0; }
};

// `modseq_too`: a message whose MODSEQ alone differs is in flags_changed too (RFC 7162, 3.2).
Diff Compare(const Version& older, const Version& newer, bool modseq_too = false);

// `newer`, and still in it, with the flags they had, the messages of `older` that are gone. `expunged` is of the
// Compare() of the two.
VersionPtr KeepExpunged(const Version& older, const Version& newer, const std::vector<uint32_t>& expunged);

}  // namespace mailmesh::imap_gateway

#endif  // MAILMESH_SERVICES_IMAP_GATEWAY_VIEW_DIFF_H_
