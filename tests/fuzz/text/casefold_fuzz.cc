// Folding keeps text well-formed and bounded, and folds once: what is folded stays as it is.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "common/text/casefold.h"
#include "common/text/utf8_repair.h"

using namespace mailmesh::text;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view octets(reinterpret_cast<const char*>(data), size);
  const std::string repaired = RepairUtf8(octets);
  if (!IsValidUtf8(repaired) || repaired.size() > 3 * size) std::abort();
  if (IsValidUtf8(octets) && repaired != octets) std::abort();
  const std::string folded = FoldCase(repaired);
  if (!IsValidUtf8(folded) || folded.size() > repaired.size() * 3 / 2 + 1 || FoldCase(folded) != folded) std::abort();
  static_cast<void>(FoldCase(octets));
  return 0;
}
