// Sets libunbound up. Private to common/dns.
#ifndef MAILMESH_COMMON_DNS_UNBOUND_OPTIONS_H_
#define MAILMESH_COMMON_DNS_UNBOUND_OPTIONS_H_

#include <absl/status/status.h>
#include <unbound.h>

#include "common/dns/unbound_resolver.h"

namespace mailmesh::dns {

absl::Status ApplyOptions(ub_ctx* context, const UnboundOptions& options);

}  // namespace mailmesh::dns

#endif  // MAILMESH_COMMON_DNS_UNBOUND_OPTIONS_H_
