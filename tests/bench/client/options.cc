#include "tests/bench/client/options.h"

#include <unistd.h>

#include <charconv>
#include <cstdio>

namespace mailmesh::bench {

void Die(const std::string& what) {
  std::fprintf(stderr, "bench_client: %s\n", what.c_str());
  // Not exit(): other threads still use what destructors would take away.
  _exit(1);
}

Options::Options(int argc, char** argv) {
  for (int i = 2; i + 1 < argc; i += 2) {
    const std::string name = argv[i];
    if (name.rfind("--", 0) != 0) Die("not an option: " + name);
    values_[name.substr(2)] = argv[i + 1];
  }
  if (argc % 2 != 0) Die("an option without its value");
}

const std::string& Options::Text(const std::string& name) const {
  const auto found = values_.find(name);
  if (found == values_.end()) Die("--" + name + " is missing");
  return found->second;
}

std::string Options::Text(const std::string& name, const std::string& otherwise) const {
  return values_.count(name) != 0 ? values_.at(name) : otherwise;
}

int Options::Number(const std::string& name) const {
  const std::string& text = Text(name);
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) Die("--" + name + ": not a number: " + text);
  return value;
}

int Options::Number(const std::string& name, int otherwise) const {
  return values_.count(name) != 0 ? Number(name) : otherwise;
}

}  // namespace mailmesh::bench
