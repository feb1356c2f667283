#include "services/mailbox_store/engine/quota.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "services/mailbox_store/engine/errors.h"
#include "services/mailbox_store/engine/metrics.h"
#include "services/mailbox_store/engine/mutation.h"
#include "services/mailbox_store/engine/read_scope.h"

namespace mailmesh::mailbox_store {
namespace {

using storage::v1::AccountRecord;

constexpr uint64_t kNoLimit = std::numeric_limits<uint64_t>::max();
constexpr int kMaxQuotasOfAPage = 1'000;

// 0 in the configuration is no limit.
uint64_t Default(uint64_t configured) { return configured == 0 ? kNoLimit : configured; }

uint64_t OctetsLimit(const Store& store, const AccountRecord& account) {
  return account.has_limit_octets() ? account.limit_octets() : Default(store.options().quota_octets);
}

uint64_t MessagesLimit(const Store& store, const AccountRecord& account) {
  return account.has_limit_messages() ? account.limit_messages() : Default(store.options().quota_messages);
}

bool Passes(uint64_t used, uint64_t more, uint64_t limit) { return limit != kNoLimit && (used > limit || more > limit - used); }

void Fill(const Store& store, const AccountRecord& account, mailbox::v1::AccountQuota* quota) {
  quota->set_account_id(account.account_id());
  quota->set_used_octets(account.octets());
  quota->set_used_messages(account.messages());
  if (const uint64_t limit = OctetsLimit(store, account); limit != kNoLimit) quota->set_limit_octets(limit);
  if (const uint64_t limit = MessagesLimit(store, account); limit != kNoLimit) quota->set_limit_messages(limit);
  quota->set_octets_by_default(!account.has_limit_octets());
  quota->set_messages_by_default(!account.has_limit_messages());
}

// What to store; nothing: the configuration's.
absl::StatusOr<std::optional<uint64_t>> Limit(const mailbox::v1::QuotaLimit& limit) {
  switch (limit.limit_case()) {
    case mailbox::v1::QuotaLimit::kAtMost:
      return std::optional<uint64_t>(std::min(limit.at_most(), kNoLimit));
    case mailbox::v1::QuotaLimit::kUnlimited:
      return std::optional<uint64_t>(kNoLimit);
    case mailbox::v1::QuotaLimit::kByDefault:
      return std::optional<uint64_t>();
    case mailbox::v1::QuotaLimit::LIMIT_NOT_SET:
      return InvalidRequest("a quota limit without a value");
  }
  return InvalidRequest("quota limit");
}

absl::Status Set(Txn& txn, const mailbox::v1::SetQuotaRequest& request, mailbox::v1::SetQuotaResponse* response) {
  AccountRecord& account = txn.EditRecord();
  if (request.has_octets()) {
    ASSIGN_OR_RETURN(const auto limit, Limit(request.octets()));
    limit ? account.set_limit_octets(*limit) : account.clear_limit_octets();
  }
  if (request.has_messages()) {
    ASSIGN_OR_RETURN(const auto limit, Limit(request.messages()));
    limit ? account.set_limit_messages(*limit) : account.clear_limit_messages();
  }
  Fill(txn.store(), account, response->mutable_quota());
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckQuota(Txn& txn, uint64_t messages, uint64_t octets) {
  const Store& store = txn.store();
  const AccountRecord& account = txn.record();
  if (!Passes(account.octets(), octets, OctetsLimit(store, account)) &&
      !Passes(account.messages(), messages, MessagesLimit(store, account))) {
    return absl::OkStatus();
  }
  if (store.metrics() != nullptr) store.metrics()->quota_rejections.Increment();
  return QuotaReached(absl::StrCat("account ", account.account_id(), " has ", account.messages(), " messages of ",
                                   account.octets(), " octets"));
}

void CountAdded(AccountRecord& account, uint64_t messages, uint64_t octets) {
  account.set_messages(account.messages() + messages);
  account.set_octets(account.octets() + octets);
}

void CountRemoved(AccountRecord& account, uint64_t messages, uint64_t octets) {
  account.set_messages(account.messages() - messages);
  account.set_octets(account.octets() - octets);
}

void SetQuota(Store& store, const mailbox::v1::SetQuotaRequest& request, Done<mailbox::v1::SetQuotaResponse> done) {
  MutationOptions options;
  options.commit.grows = false;
  Mutate<mailbox::v1::SetQuotaResponse>(
      store, request.account_id(), 0, "", std::move(done),
      [&](Txn& txn, auto* response, MutationOptions&) { return Set(txn, request, response); }, options);
}

absl::StatusOr<mailbox::v1::GetQuotaResponse> GetQuota(Store& store, const mailbox::v1::GetQuotaRequest& request) {
  ASSIGN_OR_RETURN(const auto scope, ReadScope::Open(store, request.account_id()));
  mailbox::v1::GetQuotaResponse response;
  Fill(store, scope->account_record(), response.mutable_quota());
  return response;
}

absl::StatusOr<mailbox::v1::ListQuotasResponse> ListQuotas(Store& store, const mailbox::v1::ListQuotasRequest& request) {
  const int limit =
      request.page_size() <= 0 ? kMaxQuotasOfAPage : std::min(request.page_size(), kMaxQuotasOfAPage);
  // The token is the number of the first account that was not listed.
  uint64_t first = 0;
  if (!request.page_token().empty() && !absl::SimpleAtoi(request.page_token(), &first)) return InvalidRequest("page_token");
  mailbox::v1::ListQuotasResponse response;
  auto it = store.db().NewIterator(store.column(ColumnId::kAccounts), keys::Account(AccountId(first)), "");
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    AccountRecord account;
    const std::string_view octets = it->value();
    if (!account.ParseFromArray(octets.data(), static_cast<int>(octets.size()))) return Damaged("account");
    if (account.deleted()) continue;
    if (response.quotas_size() == limit) {
      std::string_view key = it->key();
      response.set_next_page_token(absl::StrCat(keys::TakeAccount(key).value_or(AccountId()).value()));
      break;
    }
    Fill(store, account, response.add_quotas());
  }
  RETURN_IF_ERROR(FromKv(it->status()));
  return response;
}

}  // namespace mailmesh::mailbox_store
