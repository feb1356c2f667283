#include "services/mailbox_store/engine/facts.h"

#include "common/telemetry/log.h"
#include "services/mailbox_store/engine/errors.h"
#include "services/mailbox_store/engine/metrics.h"

namespace mailmesh::mailbox_store {
namespace {

constexpr int64_t kFirstSecond = -62'135'596'800;  // 0001-01-01
constexpr int64_t kLastSecond = 253'402'300'799;   // 9999-12-31
// A peer's words are kept, not all that it can send.
constexpr size_t kMaxFact = 512;

std::string Cut(const std::string& text) { return text.substr(0, kMaxFact); }

}  // namespace

storage::v1::MessageFacts ToStored(const type::v1::SessionFacts& facts) {
  storage::v1::MessageFacts stored;
  stored.set_correlation_id(Cut(facts.correlation_id()));
  stored.set_peer_address(Cut(facts.peer_address()));
  stored.set_helo(Cut(facts.helo()));
  stored.set_protocol(Cut(facts.protocol()));
  stored.set_tls(Cut(facts.tls()));
  stored.set_authenticated_account_id(Cut(facts.authenticated_account_id()));
  stored.set_received_seconds(facts.received_time().seconds());
  return stored;
}

void LogStored(const StoreMetrics* metrics, std::string_view operation, const type::v1::SessionFacts& facts, std::string_view request_id,
               std::string_view account_id, std::string_view mailbox_id, std::string_view message_id, uint32_t uid, uint64_t size) {
  if (metrics != nullptr) metrics->append_bytes.Increment(static_cast<double>(size));
  telemetry::Info("message stored", {telemetry::Trace::Of(facts.correlation_id()),
                                     {"operation", operation},
                                     {"request_id", request_id},
                                     {"account", account_id},
                                     {"mailbox", mailbox_id},
                                     {"message_id", message_id},
                                     {"uid", uid},
                                     {"size", size},
                                     {"peer", facts.peer_address()}});
}

absl::StatusOr<int64_t> CheckedSeconds(const google::protobuf::Timestamp& timestamp) {
  if (timestamp.seconds() < kFirstSecond || timestamp.seconds() > kLastSecond) return InvalidRequest("date out of range");
  return timestamp.seconds();
}

}  // namespace mailmesh::mailbox_store
