#include "services/directory/editor.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <openssl/sha.h>

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/rpc/status.h"
#include "common/telemetry/log.h"
#include "services/directory/errors.h"

namespace mailmesh::directory {
namespace {

constexpr size_t kMaxRequestId = 128;
// Old ids are looked for after so many new ones.
constexpr uint64_t kSweepInterval = 1000;

// Deterministic for one version of the program, which is what a retry meets but for a rolling upgrade; then the retry of a
// change is refused, not done twice.
std::string Fingerprint(std::string_view method, const google::protobuf::MessageLite& request) {
  std::string octets(method);
  octets.push_back('\0');
  {
    google::protobuf::io::StringOutputStream stream(&octets);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    request.SerializeToCodedStream(&coded);
  }
  std::string digest(SHA256_DIGEST_LENGTH, '\0');
  SHA256(reinterpret_cast<const unsigned char*>(octets.data()), octets.size(),
         reinterpret_cast<unsigned char*>(digest.data()));
  return digest;
}

absl::Status CheckRequestId(const std::string& id) {
  if (!id.empty() && id.size() <= kMaxRequestId) return absl::OkStatus();
  return absl::InvalidArgumentError("request_id must have 1 to 128 octets");
}

}  // namespace

Editor::Editor(Store& store, Options options) : store_(store), resolver_(store), options_(std::move(options)) {}

absl::Status Editor::Start(const std::map<std::string, std::string>& shards) {
  absl::MutexLock lock(&mutex_);
  kv::Batch batch;
  for (const auto& [name, endpoint] : shards) {
    ASSIGN_OR_RETURN(auto there, store_.Find<storage::v1::DirectoryShardRecord>(Table::kShards, name));
    if (there && there->endpoint() == endpoint) continue;
    storage::v1::DirectoryShardRecord record;
    record.set_endpoint(endpoint);
    store_.Put(batch, Table::kShards, name, record);
  }
  if (!batch.empty()) RETURN_IF_ERROR(store_.Write(std::move(batch), /*grows=*/false));
  RETURN_IF_ERROR(ForgetOldRequests());
  RETURN_IF_ERROR(CountAll());
  {
    absl::MutexLock counts(&counts_mutex_);
    for (const auto& [name, endpoint] : shards) named_.insert(name);
  }
  return shards.empty() ? absl::OkStatus() : ForgetEmptyShards(shards);
}

absl::Status Editor::ForgetEmptyShards(const std::map<std::string, std::string>& named) {
  std::vector<std::string> unnamed;
  RETURN_IF_ERROR(store_.Scan(Table::kShards, "", "", [&](std::string_view name, std::string_view) {
    if (!named.contains(std::string(name))) unnamed.emplace_back(name);
    return true;
  }));
  kv::Batch batch;
  absl::MutexLock lock(&counts_mutex_);
  if (damaged_accounts_ > 0) return absl::OkStatus();  // it might be one of theirs
  for (const std::string& name : unnamed) {
    if (const auto found = accounts_by_shard_.find(name); found != accounts_by_shard_.end() && found->second > 0) {
      telemetry::Warning("shard without a name in the configuration has accounts", {{"shard", name}, {"accounts", found->second}});
      continue;
    }
    telemetry::Info("shard forgotten", {{"shard", name}});
    store_.Delete(batch, Table::kShards, name);
    --counts_.shards;
  }
  return batch.empty() ? absl::OkStatus() : store_.Write(std::move(batch), /*grows=*/false);
}

absl::Status Editor::CountAll() {
  auto count = [&](Table table, int64_t* out) {
    return store_.Scan(table, "", "", [out](std::string_view, std::string_view) { return ++*out, true; });
  };
  Counts counts;
  RETURN_IF_ERROR(count(Table::kDomains, &counts.domains));
  RETURN_IF_ERROR(count(Table::kRoutes, &counts.routes));
  RETURN_IF_ERROR(count(Table::kAliases, &counts.aliases));
  RETURN_IF_ERROR(count(Table::kShards, &counts.shards));
  std::map<std::string, int64_t> by_shard;
  int64_t damaged = 0;  // of no shard that could be told
  RETURN_IF_ERROR(store_.Scan(Table::kAccounts, "", "", [&](std::string_view, std::string_view value) {
    storage::v1::DirectoryAccountRecord record;
    const bool good = record.ParseFromArray(value.data(), static_cast<int>(value.size()));
    if (good) ++by_shard[record.shard()];
    damaged += good ? 0 : 1;
    return ++counts.accounts, true;
  }));
  absl::MutexLock lock(&counts_mutex_);
  damaged_accounts_ = damaged;
  counts_ = counts;
  accounts_by_shard_ = std::move(by_shard);
  return absl::OkStatus();
}

Editor::Counts Editor::counts() const {
  absl::MutexLock lock(&counts_mutex_);
  return counts_;
}

absl::Status Editor::Apply(std::string_view method, const std::string& request_id,
                           const google::protobuf::MessageLite& request, google::protobuf::MessageLite& response,
                           const Plan& plan) {
  RETURN_IF_ERROR(CheckRequestId(request_id));
  std::string fingerprint = Fingerprint(method, request);
  absl::MutexLock lock(&mutex_);
  ASSIGN_OR_RETURN(auto remembered, store_.Find<storage::v1::DirectoryRequestRecord>(Table::kRequests, request_id));
  if (remembered) {
    if (remembered->fingerprint() != fingerprint) {
      return absl::InvalidArgumentError("request_id was used for another request");
    }
    if (!response.ParseFromString(remembered->response())) return absl::DataLossError("a remembered answer cannot be read");
    return absl::OkStatus();
  }
  Change change;
  RETURN_IF_ERROR(plan(change));
  storage::v1::DirectoryRequestRecord record;
  record.set_fingerprint(fingerprint);
  record.set_response(response.SerializeAsString());
  record.set_time_seconds(absl::ToUnixSeconds(options_.clock->Now()));
  store_.Put(change.batch, Table::kRequests, request_id, record);
  RETURN_IF_ERROR(store_.Write(std::move(change.batch), change.grows));
  Applied(change);
  if (++remembered_since_sweep_ >= kSweepInterval) {
    if (absl::Status status = ForgetOldRequests(); !status.ok()) {
      telemetry::Warning("old request ids could not be forgotten", {{"error", status}});
    }
  }
  return absl::OkStatus();
}

void Editor::Applied(const Change& change) {
  if (change.credentials_of && options_.on_credentials_changed) options_.on_credentials_changed(*change.credentials_of);
  absl::MutexLock lock(&counts_mutex_);
  counts_.domains += change.counts.domains;
  counts_.routes += change.counts.routes;
  counts_.accounts += change.counts.accounts;
  counts_.aliases += change.counts.aliases;
  counts_.shards += change.counts.shards;
  if (!change.shard.empty()) accounts_by_shard_[change.shard] += change.counts.accounts;
}

absl::Status Editor::ForgetOldRequests() {
  remembered_since_sweep_ = 0;
  int64_t oldest = absl::ToUnixSeconds(options_.clock->Now() - options_.remember);
  kv::Batch batch;
  RETURN_IF_ERROR(store_.Scan(Table::kRequests, "", "", [&](std::string_view key, std::string_view value) {
    storage::v1::DirectoryRequestRecord record;
    if (record.ParseFromArray(value.data(), static_cast<int>(value.size())) && record.time_seconds() < oldest) {
      store_.Delete(batch, Table::kRequests, key);
    }
    return true;
  }));
  return batch.empty() ? absl::OkStatus() : store_.Write(std::move(batch), /*grows=*/false);
}

absl::Status Editor::SetShard(const v1::SetShardRequest& request, v1::SetShardResponse& response) {
  const v1::Shard& shard = request.shard();
  bool name_good = !shard.name().empty() && shard.name().size() <= 64;
  for (char c : shard.name()) name_good = name_good && c > ' ' && c <= '~';
  if (!name_good) return BadName("a shard's name has 1 to 64 printable ASCII characters");
  if (shard.endpoint().empty() || shard.endpoint().size() > 1024) return BadName("a shard's endpoint is missing or too long");
  return Apply("SetShard", request.request_id(), request, response, [&](Change& change) -> absl::Status {
    ASSIGN_OR_RETURN(auto there, store_.Find<storage::v1::DirectoryShardRecord>(Table::kShards, shard.name()));
    storage::v1::DirectoryShardRecord record;
    record.set_endpoint(shard.endpoint());
    store_.Put(change.batch, Table::kShards, shard.name(), record);
    if (!there) ++change.counts.shards;
    absl::MutexLock lock(&counts_mutex_);
    if (!named_.empty()) named_.insert(shard.name());
    return absl::OkStatus();
  });
}

absl::Status Editor::CheckDomainOfOurs(const Address& address) const {
  ASSIGN_OR_RETURN(auto domain, store_.Find<storage::v1::DirectoryDomainRecord>(Table::kDomains, address.domain));
  return domain ? absl::OkStatus() : DomainNotFound(address.domain);
}

}  // namespace mailmesh::directory
