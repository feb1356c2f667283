// What replay.cc replays: the targets of one area, by the generated targets.cc.
#ifndef MAILMESH_TESTS_FUZZ_REPLAY_H_
#define MAILMESH_TESTS_FUZZ_REPLAY_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace mailmesh::fuzz {

struct Target {
  const char* name;
  int (*run)(const uint8_t* data, size_t size);
};

const std::vector<Target>& Targets();
// Has a folder for each target, of its name.
const char* CorpusFolder();

}  // namespace mailmesh::fuzz

#endif  // MAILMESH_TESTS_FUZZ_REPLAY_H_
