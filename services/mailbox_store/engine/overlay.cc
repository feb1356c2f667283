#include "services/mailbox_store/engine/overlay.h"

#include <utility>

namespace mailmesh::mailbox_store {

Overlay::Cell& Overlay::At(ColumnId column, std::string_view key) {
  Cells& cells = columns_[static_cast<size_t>(column)];
  auto it = cells.find(key);
  if (it == cells.end()) {
    it = cells.emplace(std::string(key), Cell()).first;
    ++size_;
  }
  return it->second;
}

void Overlay::Put(ColumnId column, std::string_view key, std::string_view value) {
  Cell& cell = At(column, key);
  cell.has_base = true;
  cell.deleted = false;
  cell.value = value;
  cell.operands.clear();
}

void Overlay::Delete(ColumnId column, std::string_view key) {
  Cell& cell = At(column, key);
  cell.has_base = true;
  cell.deleted = true;
  cell.value.clear();
  cell.operands.clear();
}

void Overlay::Merge(ColumnId column, std::string_view key, std::string_view operand) {
  At(column, key).operands.emplace_back(operand);
}

const Overlay::Cell* Overlay::Find(ColumnId column, std::string_view key) const {
  const Cells& cells = columns_[static_cast<size_t>(column)];
  const auto it = cells.find(key);
  return it == cells.end() ? nullptr : &it->second;
}

void Overlay::Absorb(Overlay newer, uint64_t ticket) {
  for (size_t c = 0; c < kColumnCount; ++c) {
    Cells& mine = columns_[c];
    while (!newer.columns_[c].empty()) {
      auto node = newer.columns_[c].extract(newer.columns_[c].begin());
      auto it = mine.find(node.key());
      if (it == mine.end()) {
        it = mine.insert(std::move(node)).position;
        ++size_;
      } else if (node.mapped().has_base) {
        it->second = std::move(node.mapped());
      } else {
        for (std::string& operand : node.mapped().operands) it->second.operands.push_back(std::move(operand));
      }
      it->second.ticket = ticket;
      written_.push_back(Written{ticket, c, it});
    }
  }
}

void Overlay::Forget(uint64_t durable_ticket) {
  while (!written_.empty() && written_.front().ticket <= durable_ticket) {
    const Written& oldest = written_.front();
    // A cell that was written again stays for its newer write.
    if (oldest.cell->second.ticket == oldest.ticket) {
      columns_[oldest.column].erase(oldest.cell);
      --size_;
    }
    written_.pop_front();
  }
}

void Overlay::Clear() {
  written_.clear();
  for (Cells& cells : columns_) cells.clear();
  size_ = 0;
}

}  // namespace mailmesh::mailbox_store
