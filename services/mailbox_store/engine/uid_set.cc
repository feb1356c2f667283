#include "services/mailbox_store/engine/uid_set.h"

#include <algorithm>

#include "common/kv/page_merge.h"

namespace mailmesh::mailbox_store {
namespace {

template <class Proto>
absl::StatusOr<UidSet> Read(const Proto& proto) {
  if (proto.first_size() != proto.last_size()) return absl::InvalidArgumentError("UID set: unequal number of ends");
  UidSet set;
  uint64_t next = 1;
  for (int i = 0; i < proto.first_size(); ++i) {
    if (proto.first(i) < next || proto.last(i) < proto.first(i)) {
      return absl::InvalidArgumentError("UID set: ranges must ascend and not overlap");
    }
    set.AppendRange(proto.first(i), proto.last(i));
    next = static_cast<uint64_t>(proto.last(i)) + 1;
  }
  return set;
}

}  // namespace

UidSet UidSet::Single(uint32_t first, uint32_t last) {
  UidSet set;
  set.ranges_.push_back({first, last});
  return set;
}

absl::StatusOr<UidSet> UidSet::FromProto(const mailbox::v1::UidSet& proto) { return Read(proto); }
absl::StatusOr<UidSet> UidSet::FromProto(const mailbox::v1::SearchUids& proto) { return Read(proto); }

bool UidSet::Decode(std::string_view octets, UidSet* set) {
  set->ranges_.clear();
  uint64_t last = 0;
  while (!octets.empty()) {
    const auto step = kv::TakeVarint(octets);
    const auto length = step ? kv::TakeVarint(octets) : std::nullopt;
    if (!length || *step == 0 || *step > kMaxUid || *length > kMaxUid || last + *step + *length > kMaxUid) return false;
    set->AppendRange(static_cast<uint32_t>(last + *step), static_cast<uint32_t>(last + *step + *length));
    last += *step + *length;
  }
  return true;
}

void UidSet::AppendRange(uint32_t first, uint32_t last) {
  if (!ranges_.empty() && ranges_.back().last + 1 == first) {
    ranges_.back().last = last;
  } else {
    ranges_.push_back({first, last});
  }
}

void UidSet::Add(const UidSet& other) {
  if (other.empty()) return;
  std::vector<Range> all = std::move(ranges_);
  all.insert(all.end(), other.ranges_.begin(), other.ranges_.end());
  std::sort(all.begin(), all.end(), [](const Range& a, const Range& b) { return a.first < b.first; });
  ranges_.clear();
  for (const Range& range : all) {
    if (!ranges_.empty() && static_cast<uint64_t>(ranges_.back().last) + 1 >= range.first) {
      ranges_.back().last = std::max(ranges_.back().last, range.last);
    } else {
      ranges_.push_back(range);
    }
  }
}

uint64_t UidSet::size() const {
  uint64_t size = 0;
  for (const Range& range : ranges_) size += static_cast<uint64_t>(range.last) - range.first + 1;
  return size;
}

uint32_t UidSet::NextMember(uint32_t uid) const {
  auto it = std::lower_bound(ranges_.begin(), ranges_.end(), uid, [](const Range& r, uint32_t u) { return r.last < u; });
  if (it == ranges_.end()) return 0;
  return std::max(uid, it->first);
}

bool UidSet::Contains(uint32_t uid) const { return uid != 0 && NextMember(uid) == uid; }

UidSet UidSet::Without(const UidSet& other, uint32_t limit) const {
  UidSet result;
  auto hole = other.ranges_.begin();
  for (const Range& range : ranges_) {
    uint64_t from = range.first;
    const uint64_t to = std::min(range.last, limit);
    while (hole != other.ranges_.end() && hole->last < from) ++hole;
    for (auto h = hole; from <= to; ++h) {
      if (h == other.ranges_.end() || h->first > to) {
        result.AppendRange(static_cast<uint32_t>(from), static_cast<uint32_t>(to));
        break;
      }
      if (h->first > from) result.AppendRange(static_cast<uint32_t>(from), h->first - 1);
      from = std::max(from, static_cast<uint64_t>(h->last) + 1);
    }
  }
  return result;
}

void UidSet::ToProto(mailbox::v1::UidSet* proto) const {
  for (const Range& range : ranges_) {
    proto->add_first(range.first);
    proto->add_last(range.last);
  }
}

mailbox::v1::UidSet UidSet::ToProto() const {
  mailbox::v1::UidSet proto;
  ToProto(&proto);
  return proto;
}

std::string UidSet::Encode() const {
  std::string out;
  uint32_t last = 0;
  for (const Range& range : ranges_) {
    kv::AppendVarint(out, range.first - last);
    kv::AppendVarint(out, range.last - range.first);
    last = range.last;
  }
  return out;
}

}  // namespace mailmesh::mailbox_store
