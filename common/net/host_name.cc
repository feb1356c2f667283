#include "common/net/host_name.h"

#include <unistd.h>

namespace mailmesh::net {

std::string HostNameOr(const std::string& configured) {
  if (!configured.empty()) return configured;
  char name[256] = "";
  if (gethostname(name, sizeof(name) - 1) != 0 || *name == '\0') return "localhost";
  return name;
}

}  // namespace mailmesh::net
