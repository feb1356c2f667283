// From what a client names messages by to the messages, and on to the store's UID sets.
// Thread-safety: free functions. RFC 3501, 6.4.8, 9 (sequence-set); RFC 9051, 6.4.8.
#ifndef MAILMESH_SERVICES_IMAP_GATEWAY_MESSAGE_SET_H_
#define MAILMESH_SERVICES_IMAP_GATEWAY_MESSAGE_SET_H_

#include <optional>
#include <utility>

#include "common/imap/sequence_set.h"
#include "mailmesh/mailbox/v1/mailbox_service.pb.h"
#include "services/imap_gateway/view/version.h"

namespace mailmesh::imap_gateway {

// The sequence numbers that a set names in `known`. UIDs that are not there are left out; a sequence number that is not
// there (or "*" in an empty mailbox) makes the whole set wrong: nothing (RFC 9051, 9: BAD).
std::optional<imap::SequenceSet> ResolveSet(const imap::SequenceSet& set, bool uid, const Version& known);

// Sequence numbers of `known` as UIDs. A run of messages is one range: UIDs between them belong to nobody.
mailbox::v1::UidSet ToUidSet(const imap::SequenceSet& sequences, const Version& known);
// The same for code that looks UIDs up.
imap::SequenceSet ToUids(const imap::SequenceSet& sequences, const Version& known);
// Back to sequence numbers; UIDs that are not in `known` are left out.
imap::SequenceSet ToSequences(const imap::SequenceSet& uids, const Version& known);

// Numbers that are in both of two resolved sets.
imap::SequenceSet KeepBoth(const imap::SequenceSet& a, const imap::SequenceSet& b);

// Messages that one call names at most, where each may be a range of its own: gRPC takes 4 MiB, a range is ten octets, and
// the answer of StoreFlags names the messages and what lies between them.
inline constexpr uint64_t kMaxNamed = 150'000;

// Takes the first `count` numbers off a resolved set.
imap::SequenceSet TakeFirst(imap::SequenceSet& set, uint64_t count);

imap::SequenceSet FromUidSet(const mailbox::v1::UidSet& uids);
mailbox::v1::UidSet ToProto(const imap::SequenceSet& uids);

}  // namespace mailmesh::imap_gateway

#endif  // MAILMESH_SERVICES_IMAP_GATEWAY_MESSAGE_SET_H_
