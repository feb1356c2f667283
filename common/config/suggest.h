// "Did you mean": the known name that a misspelt one is nearest to. Private to this folder.
#ifndef MAILMESH_COMMON_CONFIG_SUGGEST_H_
#define MAILMESH_COMMON_CONFIG_SUGGEST_H_

#include <string>
#include <string_view>
#include <vector>

namespace mailmesh::config {

// Empty when nothing is near enough (a third of the letters).
std::string Nearest(std::string_view name, const std::vector<std::string>& known);

}  // namespace mailmesh::config

#endif  // MAILMESH_COMMON_CONFIG_SUGGEST_H_
