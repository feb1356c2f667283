// The words for TLS policies on the command line.
#ifndef MAILMESH_SERVICES_MAILMESH_CLI_TLS_POLICIES_H_
#define MAILMESH_SERVICES_MAILMESH_CLI_TLS_POLICIES_H_

#include <map>
#include <string>

#include "mailmesh/directory/v1/directory_service.pb.h"

namespace mailmesh::cli {

const std::map<std::string, directory::v1::TlsPolicy>& TlsPolicies();

}  // namespace mailmesh::cli

#endif  // MAILMESH_SERVICES_MAILMESH_CLI_TLS_POLICIES_H_
