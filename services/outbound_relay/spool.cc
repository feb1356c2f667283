#include "services/outbound_relay/spool.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/base/bytes.h"
#include "common/base/random.h"
#include "common/base/status.h"
#include "common/kv/status.h"
#include "common/rpc/status.h"

namespace mailmesh::outbound_relay {
namespace {

enum Columns : size_t { kMeta, kItems, kDue, kBodies, kUploads, kRequests };

constexpr char kSchemaKey[] = "schema";

// A destination ends with NUL, which none can have.
std::string DueKey(const Place& place, const QueueId& id) {
  std::string key = place.destination + '\0';
  base::AppendBigEndian(key, static_cast<uint64_t>(std::max<int64_t>(place.due_ms, 0)));
  return key + id;
}

// Nothing: the key is damaged.
std::optional<std::pair<Place, QueueId>> ParseDueKey(std::string_view key) {
  const size_t end = key.find('\0');
  if (end == std::string_view::npos || key.size() <= end + 1 + 8) return std::nullopt;
  std::string_view rest = key.substr(end + 1);
  const auto due = base::TakeBigEndian<uint64_t>(rest);
  return std::pair(Place{std::string(key.substr(0, end)), static_cast<int64_t>(due.value_or(0))}, QueueId(rest));
}

absl::Status DamagedIndex() { return absl::DataLossError("a key of the index of due messages is damaged"); }

std::string ChunkKey(const std::string& body_id, uint32_t index) {
  std::string key = body_id;
  base::AppendBigEndian(key, index);
  return key;
}

uint32_t ChunkCount(uint64_t octets) {
  return static_cast<uint32_t>(std::max<uint64_t>(1, (octets + Spool::kChunk - 1) / Spool::kChunk));
}

// kv knows no protos: its refusals get their reason here.
absl::Status WithReason(const absl::Status& status) {
  if (kv::IsDiskFull(status)) {
    return rpc::MakeError(absl::StatusCode::kResourceExhausted, type::v1::ERROR_REASON_DISK_FULL, std::string(base::Message(status)));
  }
  if (kv::IsOverload(status)) {
    return rpc::MakeError(absl::StatusCode::kResourceExhausted, type::v1::ERROR_REASON_OVERLOAD, std::string(base::Message(status)));
  }
  return status;
}

template <class Message>
absl::StatusOr<Message> Parse(std::string_view octets) {
  Message message;
  if (!message.ParseFromArray(octets.data(), static_cast<int>(octets.size()))) return absl::DataLossError("a record of the spool is damaged");
  return message;
}

}  // namespace

Spool::~Spool() = default;

absl::StatusOr<std::unique_ptr<Spool>> Spool::Open(const config::v1::DatabaseConfig& config, telemetry::Registry& metrics,
                                                   const base::Clock& clock, std::function<void(const absl::Status&)> on_fatal) {
  std::unique_ptr<Spool> spool(new Spool(clock));
  kv::FreeSpaceGuard::Options guard;
  guard.folder = config.path();
  guard.floor_bytes = config.free_space_floor_bytes();
  guard.ballast_bytes = config.ballast_bytes();
  spool->guard_ = std::make_unique<kv::FreeSpaceGuard>(std::move(guard));
  kv::DatabaseOptions options;
  options.path = config.path();
  options.cache_bytes = config.cache_bytes();
  options.write_buffer_bytes = config.write_buffer_bytes();
  options.free_space = spool->guard_.get();
  options.on_fatal = std::move(on_fatal);
  std::vector<kv::ColumnOptions> columns(6);
  const char* names[] = {"meta", "items", "due", "bodies", "uploads", "requests"};
  for (size_t i = 0; i < columns.size(); ++i) columns[i].name = names[i];
  columns[kBodies].blob_files = true;
  ASSIGN_OR_RETURN(spool->database_, kv::Database::Open(std::move(options), std::move(columns)));
  spool->pipeline_metrics_ = std::make_unique<kv::PipelineMetrics>(metrics, "spool");
  spool->database_metrics_ = std::make_unique<kv::DatabaseMetrics>(metrics, "spool", *spool->database_, spool->guard_.get());
  kv::CommitPipeline::Options pipeline;
  pipeline.free_space = spool->guard_.get();
  pipeline.metrics = spool->pipeline_metrics_.get();
  spool->pipeline_ = std::make_unique<kv::CommitPipeline>(*spool->database_, pipeline);

  RETURN_IF_ERROR(spool->MakeSchema());
  return spool;
}

absl::Status Spool::MakeSchema() {
  const std::string newest = std::to_string(kSpoolSchema);
  std::string version;
  ASSIGN_OR_RETURN(const bool known, database_->Get(database_->column(kMeta), kSchemaKey, &version));
  if (known && version == newest) return absl::OkStatus();
  if (known && version != "1") {
    return absl::FailedPreconditionError(absl::StrCat("the spool has schema ", version, ", this program knows ", newest));
  }
  if (known) RETURN_IF_ERROR(Upgrade());
  kv::Commit commit;
  commit.batch.Put(database_->column(kMeta), kSchemaKey, newest);
  commit.grows = false;
  return pipeline_->Write(std::move(commit));
}

absl::Status Spool::Upgrade() {
  // It may have been broken off before: everything is made anew, and the schema's number is written last.
  kv::Commit clear;
  clear.batch.DeleteRange(database_->column(kDue), "", "\xff");
  clear.grows = false;
  RETURN_IF_ERROR(pipeline_->Write(std::move(clear)));
  QueueId after;
  for (;;) {
    ASSIGN_OR_RETURN(auto items, List(after, 1000));
    if (items.empty()) return absl::OkStatus();
    after = items.back().first;
    kv::Commit commit;
    commit.grows = false;
    for (auto& [id, item] : items) {
      item.set_destination(DestinationOf(item));
      AddItem(commit.batch, id, item);
    }
    RETURN_IF_ERROR(pipeline_->Write(std::move(commit)));
  }
}

int64_t Spool::NowMs() const { return absl::ToUnixMillis(clock_.Now()); }

std::string Spool::NewUploadId() const { return base::NewIdText(clock_); }

absl::Status Spool::AddChunk(const std::string& upload_id, uint32_t index, std::string_view octets) {
  kv::Commit commit;
  // The log keeps the order: what refers to it is synced later, and then this is too.
  commit.sync = false;
  commit.batch.Put(database_->column(kBodies), ChunkKey(upload_id, index), octets);
  // Every part gives the upload time again: a client may be slow.
  storage::v1::StoredUpload upload;
  upload.set_created_ms(NowMs());
  commit.batch.Put(database_->column(kUploads), upload_id, upload.SerializeAsString());
  commit.done = [](const absl::Status&) {};
  return WithReason(pipeline_->SubmitWaiting(std::move(commit)));
}

absl::Status Spool::FinishUpload(const std::string& upload_id, uint64_t size) {
  storage::v1::StoredUpload upload;
  upload.set_created_ms(NowMs());
  upload.set_size_bytes(size);
  kv::Commit commit;
  commit.sync = false;
  commit.batch.Put(database_->column(kUploads), upload_id, upload.SerializeAsString());
  RETURN_IF_ERROR(WithReason(pipeline_->Write(std::move(commit))));
  if (size == 0) return absl::OkStatus();
  // All parts are written now. Where the collector has taken the first ones the later ones are no message.
  kv::Value first;
  ASSIGN_OR_RETURN(const bool whole, database_->Get(database_->column(kBodies), ChunkKey(upload_id, 0), &first));
  if (whole) return absl::OkStatus();
  return rpc::MakeError(absl::StatusCode::kNotFound, type::v1::ERROR_REASON_UPLOAD_NOT_FOUND, "the upload took too long");
}

absl::Status Spool::Collect(absl::Duration age, absl::Duration request_age) {
  const int64_t oldest = NowMs() - absl::ToInt64Milliseconds(age);
  const int64_t oldest_request = NowMs() - absl::ToInt64Milliseconds(request_age);
  kv::Commit commit;
  commit.sync = false;
  commit.grows = false;
  const auto uploads = database_->NewIterator(database_->column(kUploads), "", "", nullptr, true);
  for (uploads->SeekToFirst(); uploads->Valid() && commit.batch.count() < 1000; uploads->Next()) {
    const auto upload = Parse<storage::v1::StoredUpload>(uploads->value());
    if (upload.ok() && upload->created_ms() > oldest) continue;
    const std::string id(uploads->key());
    commit.batch.Delete(database_->column(kUploads), id);
    commit.batch.DeleteRange(database_->column(kBodies), id, kv::PrefixEnd(id));
  }
  RETURN_IF_ERROR(uploads->status());
  const auto requests = database_->NewIterator(database_->column(kRequests), "", "", nullptr, true);
  for (requests->SeekToFirst(); requests->Valid() && commit.batch.count() < 100'000; requests->Next()) {
    const auto request = Parse<storage::v1::StoredEnqueue>(requests->value());
    if (request.ok() && request->created_ms() > oldest_request) continue;
    commit.batch.Delete(database_->column(kRequests), requests->key());
  }
  RETURN_IF_ERROR(requests->status());
  return commit.batch.empty() ? absl::OkStatus() : pipeline_->Write(std::move(commit));
}

absl::StatusOr<std::optional<QueueId>> Spool::FindRequest(const std::string& request_id) const {
  kv::Value value;
  ASSIGN_OR_RETURN(const bool found, database_->Get(database_->column(kRequests), request_id, &value));
  if (!found) return std::nullopt;
  ASSIGN_OR_RETURN(const auto stored, Parse<storage::v1::StoredEnqueue>(value.view()));
  return stored.queue_id();
}

void Spool::AddItem(kv::Batch& batch, const QueueId& id, const Item& item) const {
  batch.Put(database_->column(kItems), id, item.SerializeAsString());
  batch.Put(database_->column(kDue), DueKey(PlaceOf(item), id), "");
}

absl::Status Spool::Enqueue(const QueueId& id, Item item, std::string_view octets, const std::string& upload_id,
                            const std::string& request_id, Done done) {
  kv::Commit commit;
  if (upload_id.empty()) {
    item.set_body_id(id);
    item.set_body_bytes(octets.size());
    commit.batch.Put(database_->column(kBodies), ChunkKey(id, 0), octets);
  } else {
    kv::Value value;
    ASSIGN_OR_RETURN(const bool found, database_->Get(database_->column(kUploads), upload_id, &value));
    if (!found) return rpc::MakeError(absl::StatusCode::kNotFound, type::v1::ERROR_REASON_UPLOAD_NOT_FOUND, "no such upload");
    ASSIGN_OR_RETURN(const auto upload, Parse<storage::v1::StoredUpload>(value.view()));
    if (upload.size_bytes() == 0) return rpc::MakeError(absl::StatusCode::kNotFound, type::v1::ERROR_REASON_UPLOAD_NOT_FOUND, "upload not finished");
    item.set_body_id(upload_id);
    item.set_body_bytes(upload.size_bytes());
    // From now on the item is what refers to it.
    commit.batch.Delete(database_->column(kUploads), upload_id);
  }
  item.set_destination(DestinationOf(item));
  AddItem(commit.batch, id, item);
  if (!request_id.empty()) {
    storage::v1::StoredEnqueue stored;
    stored.set_queue_id(id);
    stored.set_created_ms(NowMs());
    commit.batch.Put(database_->column(kRequests), request_id, stored.SerializeAsString());
  }
  commit.done = std::move(done);
  return WithReason(pipeline_->Submit(std::move(commit)));
}

absl::StatusOr<Item> Spool::Read(const QueueId& id) const {
  kv::Value value;
  ASSIGN_OR_RETURN(const bool found, database_->Get(database_->column(kItems), id, &value));
  if (!found) return rpc::MakeError(absl::StatusCode::kNotFound, type::v1::ERROR_REASON_QUEUE_ITEM_NOT_FOUND, "no such message");
  return Parse<Item>(value.view());
}

absl::StatusOr<DuePage> Spool::ReadDue(const std::string& destination, int64_t until_ms, size_t limit, int64_t latest_ms) const {
  constexpr int64_t kForever = std::numeric_limits<int64_t>::max();
  DuePage page;
  const std::string prefix = destination + '\0';
  const auto iterator = database_->NewIterator(database_->column(kDue), prefix, kv::PrefixEnd(prefix));
  // From where it stands; gives when the first one is due that is not taken.
  const auto take = [&](int64_t last_ms) -> absl::StatusOr<std::optional<int64_t>> {
    for (; iterator->Valid(); iterator->Next()) {
      auto entry = ParseDueKey(iterator->key());
      if (!entry.has_value()) return DamagedIndex();
      const int64_t due_ms = entry->first.due_ms;
      if (due_ms > last_ms || page.entries.size() >= limit) return due_ms;
      page.entries.push_back({std::move(entry->second), due_ms});
    }
    RETURN_IF_ERROR(iterator->status());
    return std::nullopt;
  };
  iterator->SeekToFirst();
  ASSIGN_OR_RETURN(page.next_due_ms, take(until_ms));
  if (page.entries.size() >= limit || !page.next_due_ms.has_value() || latest_ms == kForever) return page;
  if (*page.next_due_ms > latest_ms) page.next_due_ms.reset();
  iterator->Seek(DueKey({destination, latest_ms + 1}, ""));
  ASSIGN_OR_RETURN(const std::optional<int64_t> more, take(kForever));
  if (more.has_value()) page.next_due_ms = until_ms;
  return page;
}

absl::StatusOr<std::vector<Place>> Spool::Destinations(const std::string& after, size_t limit) const {
  std::vector<Place> places;
  const auto iterator = database_->NewIterator(database_->column(kDue), "", "");
  // Behind a destination's last key comes what begins with it and the octet after NUL.
  for (iterator->Seek(after.empty() ? "" : after + '\1'); iterator->Valid() && places.size() < limit;
       iterator->Seek(places.back().destination + '\1')) {
    auto entry = ParseDueKey(iterator->key());
    if (!entry.has_value()) return DamagedIndex();
    places.push_back(std::move(entry->first));
  }
  RETURN_IF_ERROR(iterator->status());
  return places;
}

absl::StatusOr<std::vector<std::pair<QueueId, Item>>> Spool::List(const QueueId& after, size_t limit) const {
  std::vector<std::pair<QueueId, Item>> items;
  const auto iterator = database_->NewIterator(database_->column(kItems), after.empty() ? "" : after + '\0', "");
  for (iterator->SeekToFirst(); iterator->Valid() && items.size() < limit; iterator->Next()) {
    ASSIGN_OR_RETURN(Item item, Parse<Item>(iterator->value()));
    items.emplace_back(QueueId(iterator->key()), std::move(item));
  }
  RETURN_IF_ERROR(iterator->status());
  return items;
}

absl::StatusOr<std::string> Spool::ReadChunk(const std::string& body_id, uint32_t index) const {
  std::string octets;
  ASSIGN_OR_RETURN(const bool found, database_->Get(database_->column(kBodies), ChunkKey(body_id, index), &octets));
  if (!found) return absl::DataLossError(absl::StrCat("chunk ", index, " of a body is missing"));
  return octets;
}

void Spool::AddNotifications(kv::Batch& batch, std::vector<Notification> notifications) const {
  for (Notification& notification : notifications) {
    notification.item.set_body_id(notification.id);
    notification.item.set_body_bytes(notification.octets.size());
    batch.Put(database_->column(kBodies), ChunkKey(notification.id, 0), notification.octets);
    notification.item.set_destination(DestinationOf(notification.item));
    AddItem(batch, notification.id, notification.item);
  }
}

void Spool::Finish(kv::Commit commit, Done done) {
  commit.grows = false;  // an outcome must be noted however full the disk is
  // Submit calls `done` only when it takes the commit.
  auto shared = std::make_shared<Done>(std::move(done));
  commit.done = [shared](const absl::Status& status) { (*shared)(status); };
  if (const absl::Status status = pipeline_->SubmitWaiting(std::move(commit)); !status.ok()) (*shared)(status);
}

void Spool::Update(const QueueId& id, const Item& item, const Place& old, std::vector<Notification> notifications, Done done) {
  kv::Commit commit;
  commit.batch.Delete(database_->column(kDue), DueKey(old, id));
  AddItem(commit.batch, id, item);
  AddNotifications(commit.batch, std::move(notifications));
  Finish(std::move(commit), std::move(done));
}

void Spool::Remove(const QueueId& id, const Item& item, const Place& old, std::vector<Notification> notifications, Done done) {
  kv::Commit commit;
  commit.batch.Delete(database_->column(kDue), DueKey(old, id));
  commit.batch.Delete(database_->column(kItems), id);
  for (uint32_t index = 0; index < ChunkCount(item.body_bytes()); ++index) {
    commit.batch.Delete(database_->column(kBodies), ChunkKey(item.body_id(), index));
  }
  AddNotifications(commit.batch, std::move(notifications));
  Finish(std::move(commit), std::move(done));
}

absl::StatusOr<uint64_t> Spool::Count() const {
  uint64_t count = 0;
  const auto iterator = database_->NewIterator(database_->column(kDue), "", "", nullptr, true);
  for (iterator->SeekToFirst(); iterator->Valid(); iterator->Next()) ++count;
  RETURN_IF_ERROR(iterator->status());
  return count;
}

absl::Status Spool::Check() const {
  if (database_->failed()) return absl::UnavailableError("the spool's database has failed");
  return absl::OkStatus();
}

}  // namespace mailmesh::outbound_relay
