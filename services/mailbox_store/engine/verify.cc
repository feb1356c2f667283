#include "services/mailbox_store/engine/verify.h"

#include <string>
#include <utility>
#include <vector>

#include "common/base/status.h"
#include "common/telemetry/log.h"
#include "services/mailbox_store/engine/job.h"
#include "services/mailbox_store/engine/metrics.h"
#include "services/mailbox_store/engine/verify_account.h"
#include "services/mailbox_store/engine/verify_contents.h"
#include "services/mailbox_store/engine/verify_report.h"

namespace mailmesh::mailbox_store {
namespace {

using mailbox::v1::VerifyFinding;
using mailbox::v1::VerifyStoreRequest;
using mailbox::v1::VerifyStoreResponse;

absl::Status VerifyOne(Store& store, const std::string& account_id, bool contents, VerifyReport& report) {
  const absl::Status verified = VerifyAccount(store, account_id, contents, report);
  report.progress().set_accounts(report.progress().accounts() + 1);
  if (absl::IsDataLoss(verified)) {  // the others are verified all the same
    return report.Found(VerifyFinding::KIND_DAMAGED_RECORD, "not all was looked at: " + std::string(base::Message(verified)));
  }
  // Deleted meanwhile: there is nothing to verify.
  return absl::IsNotFound(verified) ? absl::OkStatus() : verified;
}

absl::StatusOr<std::vector<std::string>> Accounts(Store& store, VerifyReport& report) {
  std::vector<std::string> accounts;
  auto it = store.db().NewIterator(store.column(ColumnId::kAccounts), "", "");
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    storage::v1::AccountRecord record;
    const std::string_view octets = it->value();
    if (!record.ParseFromArray(octets.data(), static_cast<int>(octets.size()))) {
      RETURN_IF_ERROR(report.Found(VerifyFinding::KIND_DAMAGED_RECORD, "account"));
    } else if (!record.deleted()) {
      accounts.push_back(record.account_id());
    }
  }
  RETURN_IF_ERROR(FromKv(it->status()));
  return accounts;
}

absl::Status Run(Store& store, const VerifyStoreRequest& request, JobSink<VerifyStoreResponse>& sink) {
  VerifyReport report(sink, request.repair(), store.options().backup_octets_per_second);
  if (!request.account_id().empty()) {
    report.progress().set_accounts_total(1);
    RETURN_IF_ERROR(VerifyOne(store, request.account_id(), request.contents(), report));
  } else {
    ASSIGN_OR_RETURN(const std::vector<std::string> accounts, Accounts(store, report));
    report.progress().set_accounts_total(accounts.size());
    for (const std::string& account : accounts) {
      RETURN_IF_ERROR(VerifyOne(store, account, request.contents(), report));
    }
    RETURN_IF_ERROR(VerifyContents(store, request.contents(), report));
  }
  // Repairs are unsynced: they are durable before they are told to be done.
  RETURN_IF_ERROR(FromKv(store.pipeline().Flush()));
  const mailbox::v1::VerifyProgress& read = report.progress();
  telemetry::Info("verified", {{"accounts", read.accounts()}, {"messages", read.messages()}, {"contents", read.contents()},
                               {"findings", read.findings()}, {"repaired", read.repaired()}});
  if (store.metrics() != nullptr) {
    store.metrics()->verify_findings.Set(static_cast<double>(read.findings() - read.repaired()));
  }
  report.Finish();
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<StreamReaderPtr<VerifyStoreResponse>> VerifyStore(Store& store, const VerifyStoreRequest& request) {
  if (!request.account_id().empty()) RETURN_IF_ERROR(store.FindKnownAccount(request.account_id()).status());
  return store.verify_slot().Start<VerifyStoreResponse>(
      [&store, request](JobSink<VerifyStoreResponse>& sink) { return Run(store, request, sink); });
}

}  // namespace mailmesh::mailbox_store
