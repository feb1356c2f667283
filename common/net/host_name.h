// The name that a process goes by towards other hosts: in greetings, trace fields and notifications. Thread-safe.
#ifndef MAILMESH_COMMON_NET_HOST_NAME_H_
#define MAILMESH_COMMON_NET_HOST_NAME_H_

#include <string>

namespace mailmesh::net {

// `configured`, or the machine's name where that is empty, or "localhost" where the machine has none.
std::string HostNameOr(const std::string& configured);

}  // namespace mailmesh::net

#endif  // MAILMESH_COMMON_NET_HOST_NAME_H_
