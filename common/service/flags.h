// The command line of every role. Private to this folder.
#ifndef MAILMESH_COMMON_SERVICE_FLAGS_H_
#define MAILMESH_COMMON_SERVICE_FLAGS_H_

#include <optional>
#include <string>
#include <string_view>

namespace mailmesh::service {

struct Flags {
  std::string config;
  bool check_config = false;
  bool print_config = false;
};

// Prints help, version or what is wrong, and sets the exit code, where there is nothing more to do.
std::optional<Flags> ParseFlags(std::string_view role, int argc, char** argv, int& exit_code);

}  // namespace mailmesh::service

#endif  // MAILMESH_COMMON_SERVICE_FLAGS_H_
