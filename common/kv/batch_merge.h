// Joins batches by their octets. Internal to common/kv.
//
// The octets of a batch (WriteBatch::Data(), as in RocksDB's log and its replication API) are: 8 octets sequence number, 4 octets
// count of records, both little-endian, then the records. RocksDB joins batches in this way itself, in a function that is not public.
#ifndef MAILMESH_COMMON_KV_BATCH_MERGE_H_
#define MAILMESH_COMMON_KV_BATCH_MERGE_H_

#include <string>
#include <string_view>

namespace mailmesh::kv {

// Appends the records of `other` to `merged` and adds up the counts. Both are batches' octets; `merged` may be empty.
void AppendBatchOctets(std::string& merged, std::string_view other);

}  // namespace mailmesh::kv

#endif  // MAILMESH_COMMON_KV_BATCH_MERGE_H_
