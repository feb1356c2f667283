// Which mailboxes LIST and LSUB answer with, and how they are described.
//
// Thread-safety: none. Cost: one test of each pattern for each name.
// RFC 3501, 6.3.8 and 6.3.9; RFC 5258; RFC 6154.
#ifndef MAILMESH_SERVICES_IMAP_GATEWAY_LIST_SELECTION_H_
#define MAILMESH_SERVICES_IMAP_GATEWAY_LIST_SELECTION_H_

#include <string>
#include <vector>

#include "common/imap/command.h"
#include "common/imap/list_pattern.h"
#include "common/imap/list_response.h"
#include "mailmesh/mailbox/v1/mailbox_service.pb.h"

namespace mailmesh::imap_gateway {

struct ListedName {
  std::string name;
  imap::ListAttributes attributes = 0;
  bool child_subscribed = false;  // RFC 5258, 3.5: CHILDINFO
  bool selectable = false;        // STATUS can be answered
};

// `mailboxes` in name order, as ListMailboxes gives them, names that are only subscribed to included where the
// selection is by subscription.
std::vector<ListedName> SelectForList(const imap::List& command, const std::vector<mailbox::v1::Mailbox>& mailboxes);
std::vector<ListedName> SelectForLsub(const imap::Lsub& command, const std::vector<mailbox::v1::Mailbox>& mailboxes);

}  // namespace mailmesh::imap_gateway

#endif  // MAILMESH_SERVICES_IMAP_GATEWAY_LIST_SELECTION_H_
