#include "common/kv/page_merge.h"

#include <rocksdb/merge_operator.h>

#include "common/kv/rocks_slice.h"

namespace mailmesh::kv {

void AppendVarint(std::string& out, uint64_t value) {
  while (value >= 0x80) {
    out.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<char>(value));
}

std::optional<uint64_t> TakeVarint(std::string_view& in) {
  // Most numbers are below 128, and a page has two for each of its records.
  if (!in.empty() && static_cast<uint8_t>(in.front()) < 0x80) {
    const auto value = static_cast<uint8_t>(in.front());
    in.remove_prefix(1);
    return value;
  }
  uint64_t value = 0;
  for (size_t i = 0; i < in.size() && i < 10; ++i) {
    const auto octet = static_cast<uint8_t>(in[i]);
    value |= static_cast<uint64_t>(octet & 0x7f) << (7 * i);
    if ((octet & 0x80) == 0) {
      in.remove_prefix(i + 1);
      return value;
    }
  }
  return std::nullopt;
}

bool PageReader::Next() {
  if (rest_.empty() || damaged_) return false;
  const std::optional<uint64_t> step = TakeVarint(rest_);
  const std::optional<uint64_t> size = step ? TakeVarint(rest_) : std::nullopt;
  damaged_ = !size || *step >= kPageWidth || (!first_ && *step == 0) || (*size > 0 && *size - 1 > rest_.size());
  if (!damaged_) {
    index_ = first_ ? static_cast<uint32_t>(*step) : index_ + static_cast<uint32_t>(*step);
    damaged_ = index_ >= kPageWidth;
  }
  if (damaged_) return false;
  first_ = false;
  removed_ = *size == 0;
  payload_ = removed_ ? std::string_view() : rest_.substr(0, *size - 1);
  if (!removed_) rest_.remove_prefix(*size - 1);
  return true;
}

void PageWriter::Add(uint32_t index, std::string_view payload) {
  AppendVarint(out_, index - last_);
  AppendVarint(out_, payload.size() + 1);
  out_.append(payload);
  last_ = index;
}

void PageWriter::AddRemoved(uint32_t index) {
  AppendVarint(out_, index - last_);
  AppendVarint(out_, 0);
  last_ = index;
}

bool PageView::Apply(std::string_view octets) {
  PageReader reader(octets);
  while (reader.Next()) {
    if (reader.removed()) {
      Remove(reader.index());
    } else {
      Set(reader.index(), reader.payload());
    }
  }
  return !reader.damaged();
}

uint32_t PageView::Next(uint32_t from) const {
  while (from < kPageWidth && state_[from] != kPresent) ++from;
  return from;
}

uint32_t PageView::Count() const {
  uint32_t count = 0;
  for (State state : state_) count += state == kPresent;
  return count;
}

std::string PageView::Encode(bool keep_removed) const {
  PageWriter writer;
  for (uint32_t i = 0; i < kPageWidth; ++i) {
    if (state_[i] == kPresent) {
      writer.Add(i, slots_[i]);
    } else if (state_[i] == kRemoved && keep_removed) {
      writer.AddRemoved(i);
    }
  }
  return writer.Take();
}

namespace {

class PageMergeOperator : public rocksdb::MergeOperator {
 public:
  const char* Name() const override { return "mailmesh.PageMerge"; }

  bool FullMergeV2(const MergeOperationInput& in, MergeOperationOutput* out) const override {
    PageView page;
    if (in.existing_value != nullptr && !page.Apply(ToView(*in.existing_value))) return false;
    for (const rocksdb::Slice& operand : in.operand_list) {
      if (!page.Apply(ToView(operand))) return false;
    }
    out->new_value = page.Encode();
    return true;
  }

  bool PartialMergeMulti(const rocksdb::Slice&, const std::deque<rocksdb::Slice>& operands, std::string* result,
                         rocksdb::Logger*) const override {
    PageView page;
    for (const rocksdb::Slice& operand : operands) {
      if (!page.Apply(ToView(operand))) return false;
    }
    *result = page.Encode(/*keep_removed=*/true);
    return true;
  }
};

}  // namespace

std::shared_ptr<rocksdb::MergeOperator> NewPageMergeOperator() { return std::make_shared<PageMergeOperator>(); }

}  // namespace mailmesh::kv
