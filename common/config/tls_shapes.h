// Whether OpenSSL knows what a TLS setting names. Private to this folder; apart from shapes.h for what it needs.
#ifndef MAILMESH_COMMON_CONFIG_TLS_SHAPES_H_
#define MAILMESH_COMMON_CONFIG_TLS_SHAPES_H_

#include <string_view>

namespace mailmesh::config {

// A cipher list for TLS 1.2. OpenSSL skips words that it does not know: here each must name ciphers, so that a slip of the
// pen is not a list that is weaker than it reads. No cipher of it may go without authentication or without encryption.
bool IsTlsCipherList(std::string_view text);
// Names of TLS 1.3 suites with colons between them. OpenSSL skips the ones it does not know here, too.
bool IsTlsCipherSuites(std::string_view text);

}  // namespace mailmesh::config

#endif  // MAILMESH_COMMON_CONFIG_TLS_SHAPES_H_
