// ListMailboxes, GetMailboxStatus, and OpenMailbox without a claim.

#include <algorithm>

#include "common/base/status.h"
#include "services/mailbox_store/engine/errors.h"
#include "services/mailbox_store/engine/reads.h"

namespace mailmesh::mailbox_store {
namespace {

constexpr int kMaxPage = 10'000;
constexpr int kMaxStatuses = 1'000;

// Lists names in order; a name has children when one that exists follows below it. Keys of children follow their parent's
// directly, so one pass with the line of ancestors is enough.
class Lister {
 public:
  Lister(const ReadScope& scope, const mailbox::v1::ListMailboxesRequest& request)
      : scope_(scope), request_(request), limit_(request.page_size() <= 0 ? kMaxPage : std::min(request.page_size(), kMaxPage)) {}

  absl::Status Run(mailbox::v1::ListMailboxesResponse* response) {
    const std::string prefix = keys::Account(scope_.account());
    auto it = scope_.Scan(ColumnId::kNames, prefix, kv::PrefixEnd(prefix));
    if (request_.page_token().empty()) {
      it->SeekToFirst();
    } else {
      it->Seek(keys::Name(scope_.account(), request_.page_token()));
      if (it->Valid() && keys::NameOf(it->key()) == request_.page_token()) it->Next();
    }
    for (; it->Valid(); it->Next()) {
      storage::v1::MailboxNameRecord record;
      const std::string_view value = it->value();
      if (!record.ParseFromArray(value.data(), static_cast<int>(value.size()))) return Damaged("mailbox name");
      const bool exists = record.mailbox() != 0 || record.no_select();
      MeetKey(std::string(it->key()), exists, response);
      const bool full = response->mailboxes_size() >= limit_;
      if (full && response->next_page_token().empty() && (exists || request_.include_subscribed_names())) {
        response->set_next_page_token(response->mailboxes(response->mailboxes_size() - 1).name());
      }
      if (full && ancestors_.empty()) break;
      if (full) continue;  // only to see whether the last ones have children
      if (exists || request_.include_subscribed_names()) Add(std::string(it->key()), record, exists, response);
    }
    return FromKv(it->status());
  }

 private:
  struct Ancestor {
    std::string prefix;
    int index;
  };

  void MeetKey(const std::string& key, bool exists, mailbox::v1::ListMailboxesResponse* response) {
    while (!ancestors_.empty() && !key.starts_with(ancestors_.back().prefix)) ancestors_.pop_back();
    if (!exists) return;
    for (const Ancestor& ancestor : ancestors_) response->mutable_mailboxes(ancestor.index)->set_has_children(true);
    // What is known need not be looked for.
    if (response->mailboxes_size() >= limit_) ancestors_.clear();
  }

  void Add(const std::string& key, const storage::v1::MailboxNameRecord& record, bool exists,
           mailbox::v1::ListMailboxesResponse* response) {
    mailbox::v1::Mailbox* mailbox = response->add_mailboxes();
    mailbox->set_name(keys::NameOf(key));
    mailbox->set_subscribed(record.subscribed());
    mailbox->set_no_select(record.no_select());
    if (record.mailbox() != 0) {
      mailbox->set_mailbox_id(MailboxIdText(MailboxId(record.mailbox())));
      mailbox->set_uid_validity(record.uid_validity());
      mailbox->set_special_use(record.special_use());
    }
    if (exists) ancestors_.push_back(Ancestor{key + '\x01', response->mailboxes_size() - 1});
  }

  const ReadScope& scope_;
  const mailbox::v1::ListMailboxesRequest& request_;
  const int limit_;
  std::vector<Ancestor> ancestors_;
};

absl::StatusOr<uint64_t> DeletedOctets(const ReadScope& scope, MailboxId id) {
  const UidSet all = UidSet::All();
  MessageScan scan(scope, id, all);
  uint64_t octets = 0;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, scan.Next());
    if (!more) return octets;
    if ((scan.record().flags & kDeleted) != 0) octets += scan.record().size;
  }
}

absl::Status FillStatus(const ReadScope& scope, MailboxId id, bool deleted_bytes, mailbox::v1::MailboxStatus* status) {
  ASSIGN_OR_RETURN(const storage::v1::MailboxRecord record, scope.Mailbox(id));
  status->set_mailbox_id(MailboxIdText(id));
  status->set_uid_validity(record.uid_validity());
  status->set_uid_next(record.uid_next());
  status->set_messages(record.messages());
  status->set_unseen(record.unseen());
  status->set_recent(record.recent());
  status->set_deleted(record.deleted());
  status->set_size_bytes(record.octets());
  status->set_highest_modseq(record.highest_modseq());
  if (record.last_arrival_seconds() != 0) status->mutable_last_arrival_time()->set_seconds(record.last_arrival_seconds());
  if (!deleted_bytes || record.deleted() == 0) return absl::OkStatus();
  ASSIGN_OR_RETURN(const uint64_t octets, DeletedOctets(scope, id));
  status->set_deleted_bytes(octets);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<mailbox::v1::ListMailboxesResponse> ListMailboxes(Store& store,
                                                                 const mailbox::v1::ListMailboxesRequest& request) {
  ASSIGN_OR_RETURN(const auto scope, ReadScope::Open(store, request.account_id()));
  mailbox::v1::ListMailboxesResponse response;
  RETURN_IF_ERROR(Lister(*scope, request).Run(&response));
  return response;
}

absl::StatusOr<mailbox::v1::GetMailboxStatusResponse> GetMailboxStatus(Store& store,
                                                                       const mailbox::v1::GetMailboxStatusRequest& request) {
  if (request.mailboxes_size() > kMaxStatuses) return LimitReached("names of a status");
  ASSIGN_OR_RETURN(const auto scope, ReadScope::Open(store, request.account_id()));
  mailbox::v1::GetMailboxStatusResponse response;
  for (const std::string& name : request.mailboxes()) {
    mailbox::v1::MailboxStatus* status = response.add_statuses();
    status->set_mailbox(name);
    const absl::StatusOr<MailboxId> id = scope->FindMailboxByName(name);
    if (absl::IsNotFound(id.status())) continue;
    if (!id.ok()) return id.status();
    RETURN_IF_ERROR(FillStatus(*scope, *id, request.deleted_bytes(), status));
  }
  return response;
}

void FillOpenResponse(const Store& store, MailboxId id, const storage::v1::MailboxRecord& record,
                      mailbox::v1::OpenMailboxResponse* response) {
  response->set_mailbox_id(MailboxIdText(id));
  response->set_uid_validity(record.uid_validity());
  response->set_uid_next(record.uid_next());
  response->set_highest_modseq(record.highest_modseq());
  *response->mutable_keywords() = record.keywords();
  response->set_recent_first(record.recent() > 0 ? record.recent_from() : 0);
  response->set_incarnation(store.incarnation());
  response->set_messages(record.messages());
  response->set_special_use(record.special_use());
}

absl::StatusOr<mailbox::v1::OpenMailboxResponse> ReadOpenMailbox(Store& store,
                                                                 const mailbox::v1::OpenMailboxRequest& request) {
  ASSIGN_OR_RETURN(const auto scope, ReadScope::Open(store, request.account_id()));
  ASSIGN_OR_RETURN(const MailboxId id, scope->FindMailboxByName(request.mailbox()));
  ASSIGN_OR_RETURN(const storage::v1::MailboxRecord record, scope->Mailbox(id));
  mailbox::v1::OpenMailboxResponse response;
  FillOpenResponse(store, id, record, &response);
  return response;
}

}  // namespace mailmesh::mailbox_store
