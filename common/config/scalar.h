// One value of a field from its text. Private to this folder.
#ifndef MAILMESH_COMMON_CONFIG_SCALAR_H_
#define MAILMESH_COMMON_CONFIG_SCALAR_H_

#include <optional>
#include <string>

#include "common/config/rules.h"
#include "google/protobuf/message.h"

namespace mailmesh::config {

// Sets (or, of a repeated field, adds) the value that `text` says. What is wrong with it, or nothing. `quoted`: the
// text stood in quotes, so that it is neither a number nor a truth value.
std::optional<std::string> SetScalar(const Field& field, const std::string& text, bool quoted,
                                     google::protobuf::Message& message);

}  // namespace mailmesh::config

#endif  // MAILMESH_COMMON_CONFIG_SCALAR_H_
