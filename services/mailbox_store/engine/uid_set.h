// A set of UIDs as ascending, disjoint, inclusive ranges.
//
// Octets (in change and garbage records): for each range two varints, the distance of its first UID to the last one before
// (the first range: the UID itself) and its length minus 1.
// Thread-safety: a value.
#ifndef MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_UID_SET_H_
#define MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_UID_SET_H_

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "mailmesh/mailbox/v1/mailbox_service.pb.h"
#include "mailmesh/mailbox/v1/search.pb.h"

namespace mailmesh::mailbox_store {

inline constexpr uint32_t kMaxUid = std::numeric_limits<uint32_t>::max();

class UidSet {
 public:
  struct Range {
    uint32_t first;
    uint32_t last;
    bool operator==(const Range&) const = default;
  };

  UidSet() = default;
  static UidSet All() { return Single(1, kMaxUid); }
  static UidSet Single(uint32_t first, uint32_t last);
  // InvalidArgument unless the ranges ascend and do not overlap, and no UID is 0.
  static absl::StatusOr<UidSet> FromProto(const mailbox::v1::UidSet& proto);
  static absl::StatusOr<UidSet> FromProto(const mailbox::v1::SearchUids& proto);
  // False: damaged.
  [[nodiscard]] static bool Decode(std::string_view octets, UidSet* set);

  // In ascending order; what is adjacent becomes one range.
  void Append(uint32_t uid) { AppendRange(uid, uid); }
  void AppendRange(uint32_t first, uint32_t last);
  // In any order.
  void Add(const UidSet& other);

  bool empty() const { return ranges_.empty(); }
  uint64_t size() const;
  bool Contains(uint32_t uid) const;
  // The least member >= uid; 0 when there is none.
  uint32_t NextMember(uint32_t uid) const;
  const std::vector<Range>& ranges() const { return ranges_; }

  // What is in `this`, at most `limit`, and not in `other`.
  UidSet Without(const UidSet& other, uint32_t limit = kMaxUid) const;

  mailbox::v1::UidSet ToProto() const;
  void ToProto(mailbox::v1::UidSet* proto) const;
  std::string Encode() const;

  bool operator==(const UidSet&) const = default;

 private:
  std::vector<Range> ranges_;
};

}  // namespace mailmesh::mailbox_store

#endif  // MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_UID_SET_H_
