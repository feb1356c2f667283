// Pages: small sorted maps from a number to octets, kept under one key and grown by deltas (merge operands), which RocksDB folds
// into the page when it flushes and compacts. So an addition costs its own size, and reading a page is one Get.
//
// Octets of a page, and of a delta alike: records in ascending order of their number,
//   varint  difference to the number before (the first: the number itself)
//   varint  0 = removed, else 1 + size of the payload
//   octets  the payload
// A page has no removed records. Numbers are below 256: owners store the distance to the page's first number.
//
// Thread-safety: values and free functions. Damaged octets give an error, never more memory than they have octets.
#ifndef MAILMESH_COMMON_KV_PAGE_MERGE_H_
#define MAILMESH_COMMON_KV_PAGE_MERGE_H_

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace rocksdb {
class MergeOperator;
}

namespace mailmesh::kv {

inline constexpr uint32_t kPageWidth = 256;

// A page in memory. Views point into the octets that were applied, and what was passed to Set: valid as long as those.
class PageView {
 public:
  // Applies a page or a delta over what is there. False: the octets are damaged.
  [[nodiscard]] bool Apply(std::string_view octets);
  void Set(uint32_t index, std::string_view payload) { slots_[index] = payload, state_[index] = kPresent; }
  void Remove(uint32_t index) { state_[index] = kRemoved; }

  bool Has(uint32_t index) const { return state_[index] == kPresent; }
  // Empty when there is none: ask Has().
  std::string_view At(uint32_t index) const { return Has(index) ? slots_[index] : std::string_view(); }
  // The least present index >= `from`, or kPageWidth.
  uint32_t Next(uint32_t from) const;
  uint32_t Count() const;

  // The page's octets; empty when nothing is present. With `keep_removed`: a delta.
  std::string Encode(bool keep_removed = false) const;

 private:
  enum State : uint8_t { kAbsent, kPresent, kRemoved };
  std::array<std::string_view, kPageWidth> slots_;
  std::array<State, kPageWidth> state_{};
};

// Builds a delta, or a page, record by record in ascending order.
class PageWriter {
 public:
  void Add(uint32_t index, std::string_view payload);
  void AddRemoved(uint32_t index);
  const std::string& octets() const { return out_; }
  std::string Take() { return std::move(out_); }
  bool empty() const { return out_.empty(); }

 private:
  std::string out_;
  uint32_t last_ = 0;
};

// Walks over the records of a page's octets in order, without a PageView's table.
class PageReader {
 public:
  explicit PageReader(std::string_view octets) : rest_(octets) {}
  // False at the end and on damage: look at damaged().
  bool Next();
  uint32_t index() const { return index_; }
  std::string_view payload() const { return payload_; }
  bool removed() const { return removed_; }
  bool damaged() const { return damaged_; }

 private:
  std::string_view rest_;
  uint32_t index_ = 0;
  std::string_view payload_;
  bool first_ = true;
  bool removed_ = false;
  bool damaged_ = false;
};

std::shared_ptr<rocksdb::MergeOperator> NewPageMergeOperator();

// Base-128 integers, least significant group first.
void AppendVarint(std::string& out, uint64_t value);
std::optional<uint64_t> TakeVarint(std::string_view& in);

}  // namespace mailmesh::kv

#endif  // MAILMESH_COMMON_KV_PAGE_MERGE_H_
