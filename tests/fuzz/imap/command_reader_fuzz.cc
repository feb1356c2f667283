// The first octet says where the rest is split: whole and split tell the same.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>

#include "common/imap/command_parser.h"
#include "common/imap/command_reader.h"

namespace {

using mailmesh::imap::CommandReader;

void Feed(CommandReader& reader, std::string_view octets, std::string& log) {
  const std::unique_ptr<char[]> own(new char[octets.size() + 1]);
  octets.copy(own.get(), octets.size());
  std::string_view input(own.get(), octets.size());
  for (;;) {
    const CommandReader::Event event = reader.Next(&input);
    if (event.kind == CommandReader::Kind::kNeedInput || event.kind == CommandReader::Kind::kFatal) return;
    if (event.kind != CommandReader::Kind::kAppendData) log.append(1, static_cast<char>('0' + static_cast<int>(event.kind)));
    log.append(event.text);
    if (event.kind != CommandReader::Kind::kAppendLiteral) continue;
    event.literal.size % 2 == 0 ? reader.Accept() : reader.Refuse();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view octets(reinterpret_cast<const char*>(data + 1), size - 1);
  CommandReader::Limits limits;
  limits.max_line = 64, limits.max_literal = 32, limits.max_command = 128, limits.max_skip = 256;
  CommandReader whole(limits), split(limits);
  std::string expected, actual;
  Feed(whole, octets, expected);
  const size_t step = data[0] % 32 + 1;
  for (size_t i = 0; i < octets.size(); i += step) Feed(split, octets.substr(i, step), actual);
  if (expected != actual) std::abort();
  return 0;
}
