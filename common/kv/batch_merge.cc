#include "common/kv/batch_merge.h"

#include <cstdint>

namespace mailmesh::kv {
namespace {

constexpr size_t kCountOffset = 8;
constexpr size_t kHeaderSize = 12;

uint32_t ReadCount(std::string_view octets) {
  uint32_t count = 0;
  for (int i = 3; i >= 0; --i) count = (count << 8) | static_cast<uint8_t>(octets[kCountOffset + i]);
  return count;
}

void WriteCount(std::string& octets, uint32_t count) {
  for (int i = 0; i < 4; ++i, count >>= 8) octets[kCountOffset + i] = static_cast<char>(count & 0xff);
}

}  // namespace

void AppendBatchOctets(std::string& merged, std::string_view other) {
  if (other.size() <= kHeaderSize) return;
  if (merged.size() < kHeaderSize) merged.assign(kHeaderSize, '\0');
  const uint32_t count = ReadCount(merged) + ReadCount(other);
  merged.append(other.substr(kHeaderSize));
  WriteCount(merged, count);
}

}  // namespace mailmesh::kv
