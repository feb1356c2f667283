// The ids that pass between the roles, as types that cannot be mixed up. Zero means "none" in each of them.
#ifndef MAILMESH_COMMON_BASE_IDS_H_
#define MAILMESH_COMMON_BASE_IDS_H_

#include <cstdint>

#include "common/base/strong_int.h"

namespace mailmesh {

// RFC 9051, 2.3.1.1: a message's unique identifier in its mailbox; 32 bits, never 0, strictly ascending.
using Uid = base::StrongInt<struct UidTag, uint32_t>;
// RFC 9051, 2.3.1.1: changes when the UIDs of a mailbox start anew.
using UidValidity = base::StrongInt<struct UidValidityTag, uint32_t>;
// RFC 7162, 3.1: a 63-bit counter that every change of a message raises.
using ModSeq = base::StrongInt<struct ModSeqTag, uint64_t>;
// RFC 9051, 2.3.1.2: a message's position in its mailbox, from 1.
using SequenceNumber = base::StrongInt<struct SequenceNumberTag, uint32_t>;
// An account of the mesh; never used again.
using AccountId = base::StrongInt<struct AccountIdTag, uint64_t>;
// A mailbox of an account; never used again within the account.
using MailboxId = base::StrongInt<struct MailboxIdTag, uint64_t>;

}  // namespace mailmesh

#endif  // MAILMESH_COMMON_BASE_IDS_H_
