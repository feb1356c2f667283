#ifndef MAILMESH_TESTS_BENCH_CLIENT_OPTIONS_H_
#define MAILMESH_TESTS_BENCH_CLIENT_OPTIONS_H_

#include <map>
#include <string>

// The command line `bench_client MODE --name value ...`, and the way in which the client gives up: a load that met an error is
// not a figure, so the first one ends the program with its text and code 1.
namespace mailmesh::bench {

[[noreturn]] void Die(const std::string& what);

class Options {
 public:
  Options(int argc, char** argv);

  // Dies where the option is missing.
  const std::string& Text(const std::string& name) const;
  std::string Text(const std::string& name, const std::string& otherwise) const;
  int Number(const std::string& name) const;
  int Number(const std::string& name, int otherwise) const;

 private:
  std::map<std::string, std::string> values_;
};

}  // namespace mailmesh::bench

#endif  // MAILMESH_TESTS_BENCH_CLIENT_OPTIONS_H_
