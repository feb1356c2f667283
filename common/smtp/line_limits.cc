#include "common/smtp/line_limits.h"

namespace mailmesh::smtp {

size_t CommandLineLimit(ExtensionSet offered) {
  size_t limit = kBaseCommandLine;
  if (offered.Has(Extension::kSize)) limit += 26;        // RFC 1870, 3
  if (offered.Has(Extension::k8BitMime)) limit += 17;    // RFC 6152, 2
  if (offered.Has(Extension::kSmtpUtf8)) limit += 10;    // RFC 6531, 3.1
  if (offered.Has(Extension::kBinaryMime)) limit += 16;  // RFC 3030, 3
  if (offered.Has(Extension::kRequireTls)) limit += 11;  // RFC 8689, 2
  if (offered.Has(Extension::kAuth)) limit += 500;       // RFC 4954, 3
  if (offered.Has(Extension::kDsn)) limit += 540;        // RFC 3461, 4.2 and 4.1: " ORCPT=" 500, " NOTIFY=..."
  return limit;
}

}  // namespace mailmesh::smtp
