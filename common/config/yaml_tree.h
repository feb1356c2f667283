// YAML as a plain tree that remembers where everything stood. Private to this folder.
//
// yaml-cpp's own nodes merge what must be told apart here: where a key stood, whether a scalar was quoted, what an
// alias hides. So the tree is built from the parser's events. Refused: anchors, aliases and a second document.
#ifndef MAILMESH_COMMON_CONFIG_YAML_TREE_H_
#define MAILMESH_COMMON_CONFIG_YAML_TREE_H_

#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "common/config/loader.h"

namespace mailmesh::config {

struct YamlNode {
  enum class Kind { kNull, kScalar, kList, kMap };

  Kind kind = Kind::kNull;
  int line = 0;
  int column = 0;
  // Of a scalar.
  std::string text;
  bool quoted = false;
  // Of a list; of a map, keys and values in turns, in the order of the file.
  std::vector<YamlNode> children;
};

// The only document of `text` (a null node where it is empty), or what is wrong with it.
std::variant<YamlNode, Problem> ParseYaml(std::string_view text);

}  // namespace mailmesh::config

#endif  // MAILMESH_COMMON_CONFIG_YAML_TREE_H_
