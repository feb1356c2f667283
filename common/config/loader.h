// Loads a configuration: YAML (so JSON too) into any protobuf message, by reflection, collecting every mistake.
//
// What is checked: unknown fields (with the nearest known name), duplicate keys, wrong types, names of enum values,
// numbers out of range, two members of a oneof, and the rules of mailmesh.config.v1.field: defaults, required, min,
// max, non_empty, pattern, format, secret files. Keys are the fields' names as in the .proto. An enum value is written
// without its type's prefix and in lower case (LOG_LEVEL_INFO: "info"). google.protobuf.Duration takes "5m",
// a uint64 whose name ends in _bytes takes "25MiB"; a string keeps its letters (1.10 stays 1.10); a list may be written
// as one scalar. `null` or an empty value means: as if not written.
//
// Limits: 4 MiB of text, 64 levels; aliases and anchors of YAML are refused. No state; thread-safe.
#ifndef MAILMESH_COMMON_CONFIG_LOADER_H_
#define MAILMESH_COMMON_CONFIG_LOADER_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

namespace google::protobuf {
class Message;
}

namespace mailmesh::config {

// One mistake. Line and column count from 1; 0 means that the file as a whole is meant.
struct Problem {
  int line = 0;
  int column = 0;
  // "listeners[2].tls.certificate_file"; empty for the file as a whole.
  std::string path;
  // What is wrong and what would be right.
  std::string text;
};

struct LoadOptions {
  // Whether the files named by secret_file fields are looked at.
  bool check_files = true;
};

// Fills `message`, which must be empty, and applies defaults. All mistakes, in the order of the file; empty when good.
std::vector<Problem> LoadYaml(std::string_view text, google::protobuf::Message* message,
                              const LoadOptions& options = {});

// Reads the file and loads it; InvalidArgument with all mistakes, one a line, "FILE:LINE:COLUMN: PATH: TEXT".
absl::Status LoadFile(const std::string& path, google::protobuf::Message* message, const LoadOptions& options = {});

// The lines that LoadFile puts into its status.
std::string FormatProblems(std::string_view file, const std::vector<Problem>& problems);

// A message made in code gets its defaults and is checked like a loaded one.
std::vector<Problem> Complete(google::protobuf::Message* message, const LoadOptions& options = {});

}  // namespace mailmesh::config

#endif  // MAILMESH_COMMON_CONFIG_LOADER_H_
