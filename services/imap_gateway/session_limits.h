// Sizes and times that the session's files share.
#ifndef MAILMESH_SERVICES_IMAP_GATEWAY_SESSION_LIMITS_H_
#define MAILMESH_SERVICES_IMAP_GATEWAY_SESSION_LIMITS_H_

#include <chrono>
#include <cstddef>

namespace mailmesh::imap_gateway {

// What has been said is written when this much has gathered, whatever the client has pipelined.
inline constexpr size_t kFlushAbove = 64 * 1024;
// Octets of a message are copied into what is being said below this, else written from where they lie.
inline constexpr size_t kCopyBelow = 16 * 1024;

// A client whose time is over may take this long to read why.
inline constexpr auto kLastWordTimeout = std::chrono::seconds(5);
// A client that is sending a command when its session is to end by a drain may be silent for so long. A drain of 10 s, the default, has
// told the last session 5 s before its end.
inline constexpr auto kDrainPatience = std::chrono::seconds(3);

}  // namespace mailmesh::imap_gateway

#endif  // MAILMESH_SERVICES_IMAP_GATEWAY_SESSION_LIMITS_H_
