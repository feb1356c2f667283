// The content of a queued message as a BodyReader: trace fields first, then the parts from the spool.
#ifndef MAILMESH_SERVICES_OUTBOUND_RELAY_SPOOL_BODY_H_
#define MAILMESH_SERVICES_OUTBOUND_RELAY_SPOOL_BODY_H_

#include "services/outbound_relay/smtp_connection.h"

namespace mailmesh::outbound_relay {

class SpoolBody final : public BodyReader {
 public:
  // `item` must outlive it.
  SpoolBody(Relay& relay, const Item& item) : relay_(relay), item_(item) {}
  net::Awaitable<absl::StatusOr<std::string>> Next() override;
  // Without the trace fields.
  void SkipTrace() { trace_done_ = true; }

 private:
  Relay& relay_;
  const Item& item_;
  bool trace_done_ = false;
  uint32_t index_ = 0;
  uint64_t read_ = 0;
};

}  // namespace mailmesh::outbound_relay

#endif  // MAILMESH_SERVICES_OUTBOUND_RELAY_SPOOL_BODY_H_
