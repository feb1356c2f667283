// What one commit changed in one mailbox, for those who watch it.
#ifndef MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_CHANGE_H_
#define MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_CHANGE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/ids.h"
#include "services/mailbox_store/engine/message_record.h"
#include "services/mailbox_store/engine/uid_set.h"

namespace mailmesh::mailbox_store {

struct ViewMessage {
  uint32_t uid = 0;
  Flags flags = 0;
  uint64_t modseq = 0;
  bool operator==(const ViewMessage&) const = default;
};

struct MailboxChange {
  AccountId account;
  MailboxId mailbox;
  // The mailbox's HIGHESTMODSEQ before and after.
  uint64_t before_modseq = 0;
  uint64_t modseq = 0;
  UidSet expunged;
  // New, or with new flags; ascending UIDs.
  std::vector<ViewMessage> messages;
  // All keywords, if one was added.
  std::vector<std::string> keywords;
  uint32_t uid_next = 0;
  // The mailbox is gone.
  bool deleted = false;
};

}  // namespace mailmesh::mailbox_store

#endif  // MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_CHANGE_H_
