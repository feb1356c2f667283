// A set of message sequence numbers or UIDs as IMAP writes it: "1,3:7,12:*".
//
// Flow for a server: Parse() keeps what the client wrote; Resolve(largest) gives the ascending set of disjoint ranges
// that one can iterate over and look up in.
// Thread-safety: a value. Limits: Parse() takes at most `max_ranges` ranges; a range costs 8 octets however wide it is.
// RFC 3501, 9 (sequence-set); RFC 9051, 6.4.8 ("*" in a UID set); RFC 5182 ("$").
#ifndef MAILMESH_COMMON_IMAP_SEQUENCE_SET_H_
#define MAILMESH_COMMON_IMAP_SEQUENCE_SET_H_

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace mailmesh::imap {

class SequenceSet {
 public:
  // "*": the largest number in use. Zero is no number of IMAP's.
  static constexpr uint32_t kStar = 0;
  static constexpr size_t kMaxRanges = 16384;

  struct Range {
    uint32_t first = 0;
    uint32_t last = 0;
    bool operator==(const Range&) const = default;
  };

  // The numbers of a resolved set, ascending. A forward iterator.
  class Iterator {
   public:
    using iterator_category = std::forward_iterator_tag;
    using value_type = uint32_t;
    using difference_type = std::ptrdiff_t;
    using pointer = const uint32_t*;
    using reference = uint32_t;

    Iterator() = default;
    Iterator(const Range* range, const Range* end) : range_(range), end_(end) { Enter(); }
    uint32_t operator*() const { return value_; }
    Iterator& operator++() {
      if (value_ != range_->last) {
        ++value_;
      } else {
        ++range_;
        Enter();
      }
      return *this;
    }
    Iterator operator++(int) {
      Iterator old = *this;
      ++*this;
      return old;
    }
    bool operator==(const Iterator& other) const { return range_ == other.range_ && value_ == other.value_; }

   private:
    void Enter() { value_ = range_ == end_ ? 0 : range_->first; }
    const Range* range_ = nullptr;
    const Range* end_ = nullptr;
    uint32_t value_ = 0;
  };

  SequenceSet() = default;
  explicit SequenceSet(uint32_t number) { Add(number); }
  SequenceSet(uint32_t first, uint32_t last) { AddRange(first, last); }

  // All of `text` must be one set. InvalidArgument with a text that may be sent.
  static absl::StatusOr<SequenceSet> Parse(std::string_view text, size_t max_ranges = kMaxRanges);
  // RFC 5182: "$", the result that an earlier SEARCH saved. It has no ranges of its own.
  static SequenceSet SavedResult();

  // In the order added; cheap when ascending: neighbours become one range. Neither takes kStar.
  void Add(uint32_t number) { AddRange(number, number); }
  void AddRange(uint32_t first, uint32_t last);
  // As the client wrote it: "*" and descending ranges stay until Resolve().
  void AddUnresolved(Range range) { ranges_.push_back(range); }

  bool empty() const { return ranges_.empty() && !saved_result_; }
  bool is_saved_result() const { return saved_result_; }
  bool has_star() const;
  const std::vector<Range>& ranges() const { return ranges_; }

  // Ascending, disjoint, no "*": `largest` stands for it (0: nothing is there, "*" is nobody).
  // RFC 9051, 6.4.8: "559:*" includes the largest even where 559 is beyond it.
  // With `limit_to_largest` (UID sets over a known mailbox) the numbers above `largest` are left out.
  SequenceSet Resolve(uint32_t largest, bool limit_to_largest = false) const;

  // The rest needs an ascending set: resolved, or built by Add in any order and passed through Normalise().
  void Normalise();
  bool Contains(uint32_t number) const;
  uint64_t Count() const;
  uint32_t Min() const { return ranges_.empty() ? 0 : ranges_.front().first; }
  uint32_t Max() const { return ranges_.empty() ? 0 : ranges_.back().last; }
  Iterator begin() const { return Iterator(ranges_.data(), ranges_.data() + ranges_.size()); }
  Iterator end() const {
    return Iterator(ranges_.data() + ranges_.size(), ranges_.data() + ranges_.size());
  }

  void AppendTo(std::string& out) const;
  std::string ToString() const;
  bool operator==(const SequenceSet&) const = default;

 private:
  std::vector<Range> ranges_;
  bool saved_result_ = false;
};

}  // namespace mailmesh::imap

#endif  // MAILMESH_COMMON_IMAP_SEQUENCE_SET_H_
