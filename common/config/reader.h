// Puts a YAML tree into a message, noting every mistake and where each field stood. Private to this folder.
#ifndef MAILMESH_COMMON_CONFIG_READER_H_
#define MAILMESH_COMMON_CONFIG_READER_H_

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/loader.h"
#include "common/config/rules.h"
#include "common/config/yaml_tree.h"
#include "google/protobuf/message.h"

namespace mailmesh::config {

// Where a path stood, and whether its value could be used: one that could not is reported already.
struct Place {
  int line = 0;
  int column = 0;
  bool usable = true;
};
using Places = std::map<std::string, Place, std::less<>>;

class Reader {
 public:
  Reader(std::vector<Problem>& problems, Places& places) : problems_(problems), places_(places) {}

  // `node` holds the fields of `message`.
  void ReadSection(const YamlNode& node, const std::string& path, google::protobuf::Message& message);
  // `node` holds the value of one field, of whatever kind it is.
  void ReadField(const YamlNode& node, const Field& field, const std::string& path, google::protobuf::Message& message);

 private:
  const Field* FindField(const YamlNode& key, const std::string& path, const google::protobuf::Message& message);
  void ReadValue(const YamlNode& node, const Field& field, const std::string& path, google::protobuf::Message& message);
  void ReadList(const YamlNode& node, const Field& field, const std::string& path, google::protobuf::Message& message);
  void ReadMap(const YamlNode& node, const Field& field, const std::string& path, google::protobuf::Message& message);
  void Report(const YamlNode& node, std::string path, std::string text);
  // Reports the value at `path`, which nobody needs to look at any more.
  void Reject(const YamlNode& node, const std::string& path, std::string text);

  std::vector<Problem>& problems_;
  Places& places_;
};

}  // namespace mailmesh::config

#endif  // MAILMESH_COMMON_CONFIG_READER_H_
