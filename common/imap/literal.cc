#include "common/imap/literal.h"

#include <charconv>

#include "common/imap/chars.h"

namespace mailmesh::imap {

LiteralScan ScanLiteralHeader(std::string_view line, LiteralHeader* header, size_t* header_size) {
  if (line.empty() || line.back() != '}') return LiteralScan::kNone;
  size_t end = line.size() - 1;
  bool synchronizing = true;
  if (end > 0 && line[end - 1] == '+') {
    synchronizing = false;
    --end;
  }
  size_t begin = end;
  while (begin > 0 && internal::IsDigit(line[begin - 1])) --begin;
  if (begin == end || begin == 0 || line[begin - 1] != '{') return LiteralScan::kNone;
  const bool binary = begin > 1 && line[begin - 2] == '~';
  header->synchronizing = synchronizing;
  header->binary = binary;
  uint64_t size = 0;
  const auto [last, error] = std::from_chars(line.data() + begin, line.data() + end, size);
  if (error != std::errc() || last != line.data() + end || size > INT64_MAX) return LiteralScan::kOverflow;
  header->size = size;
  *header_size = line.size() - begin + (binary ? 2 : 1);
  return LiteralScan::kFound;
}

}  // namespace mailmesh::imap
