#include "services/mailbox_store/engine/message_record.h"

#include <algorithm>

#include "common/kv/page_merge.h"

namespace mailmesh::mailbox_store {
namespace {

using kv::AppendVarint;
using kv::TakeVarint;

uint64_t ZigZag(int64_t value) { return (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63); }
int64_t UnZigZag(uint64_t value) { return static_cast<int64_t>(value >> 1) ^ -static_cast<int64_t>(value & 1); }

template <class T>
bool Take(std::string_view& octets, T* value) {
  const auto taken = TakeVarint(octets);
  if (!taken) return false;
  *value = static_cast<T>(*taken);
  return true;
}

bool TakeSigned(std::string_view& octets, int64_t* value) {
  const auto taken = TakeVarint(octets);
  if (!taken) return false;
  *value = UnZigZag(*taken);
  return true;
}

}  // namespace

void MessageRecord::AppendTo(std::string& out) const {
  AppendVarint(out, flags);
  AppendVarint(out, modseq);
  AppendVarint(out, size);
}

std::string MessageRecord::Encode() const {
  std::string out;
  AppendTo(out);
  return out;
}

bool MessageRecord::Decode(std::string_view octets) {
  return Take(octets, &flags) && Take(octets, &modseq) && Take(octets, &size) && octets.empty();
}

std::string EntryRecord::Encode() const {
  std::string out;
  AppendVarint(out, ZigZag(internal_seconds));
  AppendVarint(out, ZigZag(zone_minutes));
  // Wraps, as Decode does: a damaged record may hold any numbers.
  const uint64_t saved_after = static_cast<uint64_t>(save_seconds) - static_cast<uint64_t>(internal_seconds);
  AppendVarint(out, ZigZag(static_cast<int64_t>(saved_after)));
  AppendVarint(out, instance);
  out.append(reinterpret_cast<const char*>(blob.data()), blob.size());
  AppendVarint(out, header_size);
  AppendVarint(out, prefix);
  AppendVarint(out, prefix_size);
  return out;
}

bool EntryRecord::Decode(std::string_view octets) {
  int64_t zone = 0;
  int64_t saved_after = 0;
  if (!TakeSigned(octets, &internal_seconds) || !TakeSigned(octets, &zone) || !TakeSigned(octets, &saved_after) ||
      !Take(octets, &instance) || octets.size() < blob.size()) {
    return false;
  }
  zone_minutes = static_cast<int32_t>(zone);
  save_seconds = static_cast<int64_t>(static_cast<uint64_t>(internal_seconds) + static_cast<uint64_t>(saved_after));
  std::copy_n(octets.begin(), blob.size(), blob.begin());
  octets.remove_prefix(blob.size());
  return Take(octets, &header_size) && Take(octets, &prefix) && Take(octets, &prefix_size) && octets.empty();
}

}  // namespace mailmesh::mailbox_store
