// The DATA reader: any two splits give the same, it ends exactly at the first CRLF.CRLF, and what the writer made it
// reads.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "common/smtp/data_reader.h"
#include "common/smtp/data_writer.h"

using namespace mailmesh::smtp;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const size_t split = data[0] % size;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  DataReader whole;
  DataReader halves;
  std::string a;
  std::string b;
  const size_t consumed = whole.Decode(input, a);
  size_t taken = halves.Decode(input.substr(0, split), b);
  taken += halves.Decode(input.substr(std::min(split, input.size())), b);
  if (a != b || consumed != taken || whole.done() != halves.done()) std::abort();
  if (whole.bare_lf() != halves.bare_lf() || whole.bare_cr() != halves.bare_cr()) std::abort();
  const size_t end = ("\r\n" + std::string(input)).find("\r\n.\r\n");
  if (whole.done() != (end != std::string::npos) || (whole.done() && consumed != end + 3)) std::abort();

  for (StrayLineEndings stray : {StrayLineEndings::kKeep, StrayLineEndings::kNormalise}) {
    DataWriter writer(stray);
    std::string wire;
    writer.Write(input.substr(0, split), wire);
    writer.Write(input.substr(std::min(split, input.size())), wire);
    writer.Finish(wire);
    DataReader reader;
    std::string content;
    if (reader.Decode(wire, content) != wire.size() || !reader.done()) std::abort();
    if (stray == StrayLineEndings::kNormalise && (reader.bare_lf() || reader.bare_cr())) std::abort();
    if (stray == StrayLineEndings::kKeep && content.compare(0, input.size(), input) != 0) std::abort();
  }
  return 0;
}
