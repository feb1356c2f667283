// What a server offers in its reply to EHLO or LHLO, both ways. Thread-safe values and free functions.
// Limits: mechanisms beyond 64 and unknown keywords are forgotten. RFC 5321, 4.1.1.1; RFC 1870, 4; RFC 4954, 3.
#ifndef MAILMESH_COMMON_SMTP_EHLO_H_
#define MAILMESH_COMMON_SMTP_EHLO_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/smtp/extension.h"
#include "common/smtp/reply.h"

namespace mailmesh::smtp {

struct Capabilities {
  ExtensionSet extensions;
  uint64_t max_size = 0;                     // with kSize; 0: none is stated
  std::vector<std::string> auth_mechanisms;  // with kAuth; upper case
  std::string peer_name;                     // client: the first word of the reply

  bool Has(Extension extension) const { return extensions.Has(extension); }
  bool HasMechanism(std::string_view mechanism) const;
  bool operator==(const Capabilities&) const = default;
};

// Server: the reply to EHLO. `name` is ours. AUTH without mechanisms is left out.
Reply BuildEhloReply(std::string_view name, const Capabilities& offer);
// Client: what a positive reply offers; keywords in any case, the old form "AUTH=LOGIN" too.
Capabilities ParseEhloReply(const Reply& reply);

}  // namespace mailmesh::smtp

#endif  // MAILMESH_COMMON_SMTP_EHLO_H_
