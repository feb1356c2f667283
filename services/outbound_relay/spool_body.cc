#include "services/outbound_relay/spool_body.h"

#include "common/service/on_pool.h"

namespace mailmesh::outbound_relay {

net::Awaitable<absl::StatusOr<std::string>> SpoolBody::Next() {
  if (!trace_done_) {
    trace_done_ = true;
    if (!item_.trace_fields().empty()) co_return item_.trace_fields();
  }
  if (read_ >= item_.body_bytes()) co_return std::string();
  auto work = [spool = relay_.spool.get(), body_id = item_.body_id(), index = index_] { return spool->ReadChunk(body_id, index); };
  absl::StatusOr<std::string> octets = co_await service::OnPool(*relay_.spool_pool, std::move(work));
  if (!octets.ok()) co_return octets.status();
  if (octets->empty()) co_return absl::DataLossError("an empty part of a body");
  ++index_;
  read_ += octets->size();
  co_return octets;
}

}  // namespace mailmesh::outbound_relay
