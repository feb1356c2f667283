// GETQUOTA, GETQUOTAROOT, SETQUOTA (RFC 9208): an account is one quota root, whose limits operators set.
#include "services/imap_gateway/session.h"
#include "services/imap_gateway/store_calls.h"

namespace mailmesh::imap_gateway {
namespace {

constexpr std::string_view kRoot = "";
// RFC 9208, 5.1: STORAGE is in units of 1024 octets.
constexpr uint64_t kUnit = 1024;

}  // namespace

Session::Result Session::TellQuota() {
  mailbox::v1::GetQuotaRequest request;
  auto response = co_await store_->Call(&Methods::GetQuota, request);
  if (!response.ok()) co_return Fail(response.status(), "GETQUOTA");
  const mailbox::v1::AccountQuota& quota = response->quota();
  // RFC 9208, 4.2.1: "Resources not named in the list are not limited".
  std::vector<imap::QuotaResource> resources;
  if (quota.has_limit_octets()) {
    resources.push_back({"STORAGE", (quota.used_octets() + kUnit - 1) / kUnit, quota.limit_octets() / kUnit});
  }
  if (quota.has_limit_messages()) resources.push_back({"MESSAGE", quota.used_messages(), quota.limit_messages()});
  imap::AppendQuota(out_, kRoot, resources);
  co_return Ok("Quota completed.");
}

Session::Result Session::On(imap::GetQuota command) {
  if (command.root != kRoot) co_return No(imap::Code::kNonExistent, "No such quota root.");
  co_return co_await TellQuota();
}

// RFC 9208, 4.1.2: the mailbox need not exist.
Session::Result Session::On(imap::GetQuotaRoot command) {
  const std::string_view roots[] = {kRoot};
  imap::AppendQuotaRoot(out_, command.mailbox, roots, false);
  co_return co_await TellQuota();
}

// RFC 9208, 4.1.3: QUOTASET is not offered.
Session::Result Session::On(imap::SetQuota) { co_return No(imap::Code::kNoPerm, "Quotas are set by the operator."); }

}  // namespace mailmesh::imap_gateway
