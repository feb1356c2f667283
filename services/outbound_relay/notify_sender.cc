#include "services/outbound_relay/notify_sender.h"

#include <string>

#include "common/base/random.h"
#include "common/service/on_pool.h"
#include "common/telemetry/log.h"

namespace mailmesh::outbound_relay {
namespace {

const char* NameOf(DsnKind kind) {
  switch (kind) {
    case DsnKind::kFailure:
      return "failure";
    case DsnKind::kDelay:
      return "delay";
    case DsnKind::kSuccess:
      return "success";
  }
  return "failure";
}

// The message as far as it is returned to its sender.
net::Awaitable<std::string> Original(Relay& relay, const Item& item) {
  std::string original = item.trace_fields();
  if (item.body_bytes() == 0) co_return original;
  auto work = [spool = relay.spool.get(), body_id = item.body_id()] { return spool->ReadChunk(body_id, 0); };
  absl::StatusOr<std::string> octets = co_await service::OnPool(*relay.spool_pool, std::move(work));
  if (octets.ok()) original += *octets;
  co_return original;
}

bool IsAbout(const Recipient& recipient, DsnKind kind) {
  switch (kind) {
    case DsnKind::kFailure:
      return recipient.state() == Recipient::STATE_BOUNCED && !recipient.told();
    case DsnKind::kDelay:
      return IsPending(recipient);
    case DsnKind::kSuccess:
      // RFC 3461, 5.2.1: a server that knows DSN has taken the duty over.
      return recipient.state() == Recipient::STATE_DELIVERED && !recipient.told() && !recipient.dsn_passed_on();
  }
  return false;
}

}  // namespace

net::Awaitable<std::vector<Spool::Notification>> NotifySender(Relay& relay, const QueueId& id, Item& item, const telemetry::Trace& trace,
                                                               bool delayed) {
  std::vector<Spool::Notification> notifications;
  std::string original;
  for (const DsnKind kind : {DsnKind::kFailure, DsnKind::kSuccess, DsnKind::kDelay}) {
    if (kind == DsnKind::kDelay && !delayed) continue;
    DsnRequest request{kind, item, {}, "", false, relay.options.hostname, relay.options.postmaster, relay.NowMs(), 0};
    for (const Recipient& recipient : item.recipients()) {
      if (IsAbout(recipient, kind) && WantsDsn(item, recipient, kind)) request.recipients.push_back(&recipient);
    }
    if (request.recipients.empty()) continue;
    if (original.empty()) original = co_await Original(relay, item);
    request.original = original;
    request.original_is_whole = item.body_bytes() <= Spool::kChunk;
    request.retry_until_ms = item.queued_ms() + absl::ToInt64Milliseconds(relay.options.max_age);
    notifications.push_back(MakeNotification(request, base::NewIdText(relay.clock)));
    relay.metrics.dsn.With({NameOf(kind)}).Increment();
    telemetry::Info("notification made", {trace,
                                          {"queue_id", id},
                                          {"notification_id", notifications.back().id},
                                          {"kind", NameOf(kind)}});
  }
  for (Recipient& recipient : *item.mutable_recipients()) {
    if (!IsPending(recipient)) recipient.set_told(true);
  }
  co_return notifications;
}

}  // namespace mailmesh::outbound_relay
