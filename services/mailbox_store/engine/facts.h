// The facts that are kept with a stored message, and the line that the log has for it.
#ifndef MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_FACTS_H_
#define MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_FACTS_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "google/protobuf/timestamp.pb.h"
#include "mailmesh/storage/v1/mailbox.pb.h"
#include "mailmesh/type/v1/message.pb.h"

namespace mailmesh::mailbox_store {

class StoreMetrics;

storage::v1::MessageFacts ToStored(const type::v1::SessionFacts& facts);

// The mail log's line: info "message stored"; and its octets in the metrics (which may be null).
void LogStored(const StoreMetrics* metrics, std::string_view operation, const type::v1::SessionFacts& facts, std::string_view request_id,
               std::string_view account_id, std::string_view mailbox_id, std::string_view message_id, uint32_t uid, uint64_t size);

// Seconds of a date that IMAP can show (years 0001 to 9999); InvalidArgument else.
absl::StatusOr<int64_t> CheckedSeconds(const google::protobuf::Timestamp& timestamp);

}  // namespace mailmesh::mailbox_store

#endif  // MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_FACTS_H_
