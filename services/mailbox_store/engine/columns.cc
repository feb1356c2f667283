#include "services/mailbox_store/engine/columns.h"

#include <rocksdb/compaction_filter.h>

#include <memory>

#include "common/kv/page_merge.h"
#include "services/mailbox_store/engine/request_memory.h"

namespace mailmesh::mailbox_store {
namespace {

// Remembered requests go when a compaction passes by and they are past their time: no index, no sweep.
class RequestFilter : public rocksdb::CompactionFilter {
 public:
  explicit RequestFilter(int64_t now_seconds) : now_seconds_(now_seconds) {}
  const char* Name() const override { return "mailmesh.RequestFilter"; }
  bool Filter(int, const rocksdb::Slice&, const rocksdb::Slice& value, std::string*, bool*) const override {
    return RequestExpired(std::string_view(value.data(), value.size()), now_seconds_);
  }

 private:
  const int64_t now_seconds_;
};

class RequestFilterFactory : public rocksdb::CompactionFilterFactory {
 public:
  explicit RequestFilterFactory(const base::Clock& clock) : clock_(clock) {}
  const char* Name() const override { return "mailmesh.RequestFilterFactory"; }
  std::unique_ptr<rocksdb::CompactionFilter> CreateCompactionFilter(const rocksdb::CompactionFilter::Context&) override {
    return std::make_unique<RequestFilter>(absl::ToUnixSeconds(clock_.Now()));
  }

 private:
  const base::Clock& clock_;
};

constexpr uint64_t kDay = 24 * 60 * 60;

}  // namespace

std::vector<kv::ColumnOptions> MakeColumns(const base::Clock& clock) {
  std::vector<kv::ColumnOptions> columns(kColumnCount);
  auto at = [&](ColumnId id) -> kv::ColumnOptions& { return columns[static_cast<size_t>(id)]; };
  at(ColumnId::kMeta).name = "meta";
  at(ColumnId::kAccounts).name = "accounts";
  at(ColumnId::kMailboxes).name = "mailboxes";
  at(ColumnId::kNames).name = "names";
  at(ColumnId::kMessages).name = "messages";
  at(ColumnId::kEntries).name = "entries";
  at(ColumnId::kSummaries).name = "summaries";
  at(ColumnId::kChanges).name = "changes";
  at(ColumnId::kBlobs).name = "blobs";
  at(ColumnId::kReferences).name = "references";
  at(ColumnId::kRequests).name = "requests";
  at(ColumnId::kGarbage).name = "garbage";
  at(ColumnId::kJobs).name = "jobs";
  at(ColumnId::kSeenIds).name = "seen_ids";
  for (ColumnId paged : {ColumnId::kMessages, ColumnId::kEntries, ColumnId::kSummaries}) {
    at(paged).merge_operator = kv::NewPageMergeOperator();
  }
  at(ColumnId::kBlobs).blob_files = true;
  at(ColumnId::kRequests).compaction_filter = std::make_shared<RequestFilterFactory>(clock);
  at(ColumnId::kRequests).periodic_compaction_seconds = kDay;
  return columns;
}

}  // namespace mailmesh::mailbox_store
