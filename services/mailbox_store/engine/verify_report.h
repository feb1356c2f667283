// What a verification has found and read so far, told to its caller as it goes.
//
// Internal to the verification. Thread-safety: belongs to its thread.
#ifndef MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_VERIFY_REPORT_H_
#define MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_VERIFY_REPORT_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "mailmesh/mailbox/v1/store_admin_service.pb.h"
#include "services/mailbox_store/engine/job.h"

namespace mailmesh::mailbox_store {

class VerifyReport {
 public:
  VerifyReport(JobSink<mailbox::v1::VerifyStoreResponse>& sink, bool repair, uint64_t octets_per_second);

  // Where what is read now belongs; shown with findings.
  void At(std::string_view account_id, std::string_view mailbox = {}, uint32_t uid = 0);

  bool repair() const { return repair_; }
  // Tells of a finding. If repairs are wanted, `fix` makes one; null: there is none.
  absl::Status Found(mailbox::v1::VerifyFinding::Kind kind, std::string detail,
                     absl::FunctionRef<absl::Status()> fix);
  absl::Status Found(mailbox::v1::VerifyFinding::Kind kind, std::string detail);

  // To be counted in.
  mailbox::v1::VerifyProgress& progress() { return progress_; }
  // Tells of the progress when it is time to; keeps to the rate; Cancelled when nobody listens any more.
  absl::Status Tick();
  void Finish();

 private:
  absl::Status Tell(mailbox::v1::VerifyFinding finding);

  JobSink<mailbox::v1::VerifyStoreResponse>& sink_;
  const bool repair_;
  const uint64_t octets_per_second_;
  const absl::Time start_;
  absl::Time told_;
  mailbox::v1::VerifyFinding place_;
  mailbox::v1::VerifyProgress progress_;
};

}  // namespace mailmesh::mailbox_store

#endif  // MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_VERIFY_REPORT_H_
