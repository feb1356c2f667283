// Writes that belong together: all of them happen or none.
//
// Thread-safety: a batch belongs to one thread at a time.
#ifndef MAILMESH_COMMON_KV_BATCH_H_
#define MAILMESH_COMMON_KV_BATCH_H_

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <string_view>

namespace rocksdb {
class ColumnFamilyHandle;
class WriteBatch;
}  // namespace rocksdb

namespace mailmesh::kv {

// A column family of an open database. A value; valid as long as the database.
struct Column {
  rocksdb::ColumnFamilyHandle* handle = nullptr;
};

class Batch {
 public:
  Batch();
  ~Batch();
  Batch(Batch&& other) noexcept;
  Batch& operator=(Batch&& other) noexcept;

  void Put(Column column, std::string_view key, std::string_view value);
  // The value is the concatenation of `parts`.
  void PutParts(Column column, std::string_view key, std::initializer_list<std::string_view> parts);
  // Only in columns with a merge operator.
  void Merge(Column column, std::string_view key, std::string_view operand);
  void Delete(Column column, std::string_view key);
  // Keys in [begin, end). Few of them: each one costs every read of the column until it is compacted away.
  void DeleteRange(Column column, std::string_view begin, std::string_view end);

  // Before the first write: room for so many octets, so that a large value is not copied again for what follows it.
  void Reserve(size_t octets);
  // Adds the writes of `other` after those that are here.
  void Append(const Batch& other);

  // RollBack() drops the writes since the last Mark() that was neither rolled back nor kept by Keep(). They nest.
  void Mark();
  void RollBack();
  void Keep();

  bool empty() const;
  int count() const;
  // Size in the log.
  size_t octets() const;

  rocksdb::WriteBatch& raw() { return *batch_; }
  const rocksdb::WriteBatch& raw() const { return *batch_; }

 private:
  std::unique_ptr<rocksdb::WriteBatch> batch_;
};

}  // namespace mailmesh::kv

#endif  // MAILMESH_COMMON_KV_BATCH_H_
