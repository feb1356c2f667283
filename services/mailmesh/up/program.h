// The roles' programs: where they are, and running one to its end.
#ifndef MAILMESH_SERVICES_MAILMESH_UP_PROGRAM_H_
#define MAILMESH_SERVICES_MAILMESH_UP_PROGRAM_H_

#include <absl/status/statusor.h>

#include <string>
#include <vector>

namespace mailmesh::up {

// The program of a role: beside this one.
std::string RoleProgram(const std::string& role);

struct ProgramResult {
  int exit_code = 0;   // 128 + the signal, where one ended it
  std::string output;  // standard output and error; the first 1 MiB
};

// Runs a program and waits for its end. Unavailable where it cannot be started.
absl::StatusOr<ProgramResult> RunProgram(const std::string& program, const std::vector<std::string>& arguments);

}  // namespace mailmesh::up

#endif  // MAILMESH_SERVICES_MAILMESH_UP_PROGRAM_H_
