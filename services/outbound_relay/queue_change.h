// Changing queued messages by an operator's hand: page by page, none of them while it is being delivered.
#ifndef MAILMESH_SERVICES_OUTBOUND_RELAY_QUEUE_CHANGE_H_
#define MAILMESH_SERVICES_OUTBOUND_RELAY_QUEUE_CHANGE_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <functional>
#include <string>

#include "mailmesh/relay/v1/queue_admin_service.pb.h"
#include "services/outbound_relay/relay.h"
#include "services/outbound_relay/scheduler.h"

namespace mailmesh::outbound_relay {

// InvalidArgument: nothing is selected, or too many ids.
absl::Status CheckSelection(const relay::v1::QueueSelection& selection);
bool Matches(const relay::v1::QueueSelection& selection, const QueueId& id, const Item& item, int64_t now_ms);

enum class Changed { kNo, kUpdate, kRemove };
// Changes the item, its destination aside. Called by one thread at a time.
using Change = std::function<Changed(Item&)>;

struct ChangeResult {
  uint64_t changed = 0;
  uint64_t busy = 0;
  std::string next_page_token;
};

// Applies `change` to a bounded number of the messages selected, behind `page_token`, and waits until that is durable. Blocks.
absl::StatusOr<ChangeResult> ChangeItems(Relay& relay, Scheduler& scheduler, const relay::v1::QueueSelection& selection,
                                         const std::string& page_token, const Change& change);

}  // namespace mailmesh::outbound_relay

#endif  // MAILMESH_SERVICES_OUTBOUND_RELAY_QUEUE_CHANGE_H_
