#include "services/mailbox_store/engine/fetch_job_record.h"

#include "common/text/utf8_repair.h"
#include "services/mailbox_store/engine/errors.h"
#include "services/mailbox_store/engine/mailbox_tree.h"

namespace mailmesh::mailbox_store {
namespace {

constexpr size_t kMaxHost = 255;
constexpr size_t kMaxUser = 512;
constexpr size_t kMaxCredential = 16 << 10;
constexpr size_t kMaxCaName = 255;
constexpr uint32_t kMinInterval = 10;
constexpr uint32_t kMaxInterval = 604'800;
constexpr uint32_t kMaxPort = 65'535;

}  // namespace

absl::Status CheckFetchJob(const fetch::v1::FetchJob& job) {
  if (job.host().empty() || job.host().size() > kMaxHost) return InvalidRequest("host");
  if (job.port() == 0 || job.port() > kMaxPort) return InvalidRequest("port");
  if (job.user().size() > kMaxUser) return InvalidRequest("user");
  if (job.sealed_credential().size() > kMaxCredential) return InvalidRequest("sealed_credential");
  if (job.ca_name().size() > kMaxCaName) return InvalidRequest("ca_name");
  if (job.interval_seconds() < kMinInterval || job.interval_seconds() > kMaxInterval) {
    return InvalidRequest("interval_seconds must be 10 to 604,800");
  }
  if (job.protocol() == fetch::v1::REMOTE_PROTOCOL_UNSPECIFIED) return InvalidRequest("protocol");
  if (job.tls() == fetch::v1::REMOTE_TLS_UNSPECIFIED) return InvalidRequest("tls");
  return job.mailbox().empty() ? absl::OkStatus() : CheckNewName(job.mailbox());
}

storage::v1::FetchJobRecord ToStored(const fetch::v1::FetchJob& job) {
  storage::v1::FetchJobRecord record;
  record.set_account_id(job.account_id());
  record.set_protocol(static_cast<uint32_t>(job.protocol()));
  record.set_host(job.host());
  record.set_port(job.port());
  record.set_tls(static_cast<uint32_t>(job.tls()));
  record.set_ca_name(job.ca_name());
  record.set_user(job.user());
  record.set_sealed_credential(job.sealed_credential());
  record.set_interval_seconds(job.interval_seconds());
  record.set_keep(job.keep());
  record.set_mailbox(job.mailbox());
  record.set_allow_plaintext(job.allow_plaintext());
  return record;
}

fetch::v1::FetchJob ToContract(const JobKey& key, const storage::v1::FetchJobRecord& record, bool with_credential) {
  fetch::v1::FetchJob job;
  job.set_job_id(JobIdText(key.account, key.job));
  job.set_account_id(record.account_id());
  job.set_protocol(static_cast<fetch::v1::RemoteProtocol>(record.protocol()));
  job.set_host(record.host());
  job.set_port(record.port());
  job.set_tls(static_cast<fetch::v1::RemoteTls>(record.tls()));
  job.set_ca_name(record.ca_name());
  job.set_user(record.user());
  if (with_credential) job.set_sealed_credential(record.sealed_credential());
  job.set_interval_seconds(record.interval_seconds());
  job.set_keep(record.keep());
  job.set_mailbox(record.mailbox());
  job.set_allow_plaintext(record.allow_plaintext());
  return job;
}

fetch::v1::FetchJobState StateOf(const storage::v1::FetchJobRecord& record, int64_t now_seconds) {
  fetch::v1::FetchJobState state;
  state.set_last_run_seconds(record.last_run_seconds());
  state.set_next_run_seconds(record.next_run_seconds());
  state.set_last_error(text::RepairUtf8(record.last_error()));
  state.set_messages_fetched(record.messages_fetched());
  state.set_consecutive_failures(record.consecutive_failures());
  state.set_runs(record.runs());
  state.set_leased(record.lease_until_seconds() > now_seconds);
  return state;
}

}  // namespace mailmesh::mailbox_store
