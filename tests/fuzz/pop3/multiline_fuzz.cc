// What the writer made the reader reads, at any split; any octets give the same at any split.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "common/pop3/multiline_reader.h"
#include "common/pop3/multiline_writer.h"

using namespace mailmesh::pop3;
using mailmesh::base::LineEndings;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  const size_t split = std::min<size_t>(data[0], input.size());
  for (LineEndings endings : {LineEndings::kCrlfOnly, LineEndings::kCrlfOrLf}) {
    MultilineReader whole(endings);
    MultilineReader halves(endings);
    std::string a;
    std::string b;
    const size_t consumed = whole.Decode(input, a);
    size_t taken = halves.Decode(input.substr(0, split), b);
    taken += halves.Decode(input.substr(split), b);
    if (a != b || consumed != taken || whole.done() != halves.done()) std::abort();
  }
  MultilineWriter writer;
  std::string wire;
  writer.Write(input.substr(0, split), wire);
  writer.Write(input.substr(split), wire);
  writer.Finish(wire);
  MultilineReader reader;
  std::string content;
  if (reader.Decode(wire, content) != wire.size() || !reader.done()) std::abort();
  if (content.compare(0, input.size(), input) != 0) std::abort();

  TopFilter filter(data[0] % 8);
  std::string top(filter.Take(input.substr(0, split)));
  top += filter.Take(input.substr(split));
  TopFilter once(data[0] % 8);
  if (once.Take(input) != top) std::abort();
  return 0;
}
