// Writes that are staged and perhaps not durable yet, over the database: what makes an account's head.
//
// A cell is the newest state of a key: a base (put or deleted) if one is known here, and merge operands on top. Reading a
// key asks the transaction's cells, then the account's overlay, then the database, until a base is found.
// Thread-safety: an overlay is guarded by its account's lock; a transaction's by its thread.
#ifndef MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_OVERLAY_H_
#define MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_OVERLAY_H_

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "services/mailbox_store/engine/columns.h"

namespace mailmesh::mailbox_store {

class Overlay {
 public:
  struct Cell {
    // Whether `value` (or its absence) is the base; else the base is further down.
    bool has_base = false;
    bool deleted = false;
    std::string value;
    std::vector<std::string> operands;
    // The account's commit that wrote it last.
    uint64_t ticket = 0;
  };
  using Cells = std::map<std::string, Cell, std::less<>>;

  void Put(ColumnId column, std::string_view key, std::string_view value);
  void Delete(ColumnId column, std::string_view key);
  void Merge(ColumnId column, std::string_view key, std::string_view operand);

  // nullptr: nothing is known of the key.
  const Cell* Find(ColumnId column, std::string_view key) const;
  const Cells& cells(ColumnId column) const { return columns_[static_cast<size_t>(column)]; }

  // Takes the cells of `newer` over, marked with `ticket`.
  void Absorb(Overlay newer, uint64_t ticket);
  // Forgets what the database has: all cells up to this ticket.
  void Forget(uint64_t durable_ticket);
  void Clear();
  bool empty() const { return size_ == 0; }
  size_t size() const { return size_; }

 private:
  Cell& At(ColumnId column, std::string_view key);

  // A write of a cell, in the order of tickets: so forgetting costs what was written, however much is in flight.
  struct Written {
    uint64_t ticket;
    size_t column;
    Cells::iterator cell;
  };

  std::array<Cells, kColumnCount> columns_;
  std::deque<Written> written_;
  size_t size_ = 0;
};

}  // namespace mailmesh::mailbox_store

#endif  // MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_OVERLAY_H_
