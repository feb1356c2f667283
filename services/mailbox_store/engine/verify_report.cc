#include "services/mailbox_store/engine/verify_report.h"

#include <utility>

#include "absl/time/clock.h"
#include "common/base/status.h"

namespace mailmesh::mailbox_store {
namespace {

const absl::Duration kProgressInterval = absl::Seconds(1);

}  // namespace

VerifyReport::VerifyReport(JobSink<mailbox::v1::VerifyStoreResponse>& sink, bool repair, uint64_t octets_per_second)
    : sink_(sink), repair_(repair), octets_per_second_(octets_per_second), start_(absl::Now()), told_(start_) {}

void VerifyReport::At(std::string_view account_id, std::string_view mailbox, uint32_t uid) {
  if (place_.account_id() != account_id) place_.set_account_id(std::string(account_id));
  if (place_.mailbox() != mailbox) place_.set_mailbox(std::string(mailbox));
  place_.set_uid(uid);
}

absl::Status VerifyReport::Found(mailbox::v1::VerifyFinding::Kind kind, std::string detail,
                                 absl::FunctionRef<absl::Status()> fix) {
  mailbox::v1::VerifyFinding finding = place_;
  finding.set_kind(kind);
  finding.set_detail(std::move(detail));
  if (repair_) {
    const absl::Status fixed = fix();
    // What cannot be repaired is told, and the rest goes on.
    if (fixed.ok()) {
      finding.set_repaired(true);
    } else {
      finding.set_detail(finding.detail() + "; repair failed: " + std::string(base::Message(fixed)));
    }
  }
  return Tell(std::move(finding));
}

absl::Status VerifyReport::Found(mailbox::v1::VerifyFinding::Kind kind, std::string detail) {
  mailbox::v1::VerifyFinding finding = place_;
  finding.set_kind(kind);
  finding.set_detail(std::move(detail));
  return Tell(std::move(finding));
}

absl::Status VerifyReport::Tell(mailbox::v1::VerifyFinding finding) {
  progress_.set_findings(progress_.findings() + 1);
  if (finding.repaired()) progress_.set_repaired(progress_.repaired() + 1);
  mailbox::v1::VerifyStoreResponse response;
  *response.mutable_finding() = std::move(finding);
  return sink_.Push(std::move(response)) ? absl::OkStatus() : absl::CancelledError("the caller is gone");
}

absl::Status VerifyReport::Tick() {
  if (sink_.cancelled()) return absl::CancelledError("the caller is gone");
  if (octets_per_second_ > 0) {
    const absl::Time due =
        start_ + absl::Seconds(static_cast<double>(progress_.content_bytes()) / static_cast<double>(octets_per_second_));
    if (due > absl::Now()) absl::SleepFor(due - absl::Now());
  }
  if (absl::Now() - told_ < kProgressInterval) return absl::OkStatus();
  told_ = absl::Now();
  mailbox::v1::VerifyStoreResponse response;
  *response.mutable_progress() = progress_;
  return sink_.Push(std::move(response)) ? absl::OkStatus() : absl::CancelledError("the caller is gone");
}

void VerifyReport::Finish() {
  mailbox::v1::VerifyStoreResponse response;
  *response.mutable_summary() = progress_;
  sink_.Push(std::move(response));
}

}  // namespace mailmesh::mailbox_store
