// The standard's views as RocksDB's. Internal to common/kv.
#ifndef MAILMESH_COMMON_KV_ROCKS_SLICE_H_
#define MAILMESH_COMMON_KV_ROCKS_SLICE_H_

#include <rocksdb/slice.h>

#include <string_view>

namespace mailmesh::kv {

inline rocksdb::Slice ToSlice(std::string_view view) { return rocksdb::Slice(view.data(), view.size()); }
inline std::string_view ToView(const rocksdb::Slice& slice) { return std::string_view(slice.data(), slice.size()); }

}  // namespace mailmesh::kv

#endif  // MAILMESH_COMMON_KV_ROCKS_SLICE_H_
