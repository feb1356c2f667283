// The effective configuration as YAML that LoadYaml reads back; secrets show as "<redacted>".
#ifndef MAILMESH_COMMON_CONFIG_PRINT_H_
#define MAILMESH_COMMON_CONFIG_PRINT_H_

#include <string>

namespace google::protobuf {
class Message;
}

namespace mailmesh::config {

std::string PrintEffective(const google::protobuf::Message& message);

}  // namespace mailmesh::config

#endif  // MAILMESH_COMMON_CONFIG_PRINT_H_
