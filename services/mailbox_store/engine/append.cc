// AppendMessages: messages into one mailbox, all or none; for a fetcher fenced, and exactly once for each remote id.

#include "services/mailbox_store/engine/facts.h"
#include "services/mailbox_store/engine/fetch_fence.h"
#include "services/mailbox_store/engine/mailbox_tree.h"
#include "services/mailbox_store/engine/mutation.h"
#include "services/mailbox_store/engine/new_message.h"

namespace mailmesh::mailbox_store {
namespace {

using mailbox::v1::AppendMessagesRequest;
using mailbox::v1::AppendMessagesResponse;

constexpr int kMaxMessages = 1000;
constexpr int kMaxZone = 24 * 60;

struct Prepared {
  NewContent content;
  int64_t internal_seconds;
};

absl::StatusOr<std::vector<Prepared>> Prepare(Store& store, const AppendMessagesRequest& request) {
  if (request.messages().empty()) return InvalidRequest("no messages");
  if (request.messages_size() > kMaxMessages) return LimitReached("messages of an append");
  if (request.has_fence() && request.fence().remote_ids_size() != request.messages_size()) {
    return InvalidRequest("one remote id for each message");
  }
  std::vector<Prepared> prepared;
  prepared.reserve(static_cast<size_t>(request.messages_size()));
  for (const mailbox::v1::NewMessage& message : request.messages()) {
    Prepared one;
    one.internal_seconds = store.NowSeconds();
    if (message.has_internal_date()) {
      ASSIGN_OR_RETURN(one.internal_seconds, CheckedSeconds(message.internal_date()));
    }
    const int zone = message.internal_date_zone_minutes();
    if (zone < -kMaxZone || zone > kMaxZone) return InvalidRequest("zone");
    ASSIGN_OR_RETURN(one.content, PrepareContent(store, message.body()));
    prepared.push_back(std::move(one));
  }
  return prepared;
}

absl::StatusOr<MailboxId> Target(Txn& txn, const AppendMessagesRequest& request) {
  if (request.create_mailbox()) return FindOrMakeMailbox(txn, request.mailbox());
  return txn.FindMailboxByName(request.mailbox().empty() ? std::string(kInboxName) : request.mailbox());
}

struct Logged {
  std::string message_id;
  uint32_t uid;
  uint64_t size;
};

absl::Status Stage(Txn& txn, const AppendMessagesRequest& request, std::vector<Prepared>& prepared,
                   AppendMessagesResponse* response, std::vector<Logged>* logged, kv::Batch& contents) {
  size_t octets = 0;
  for (const Prepared& one : prepared) octets += BatchSize(one.content);
  contents.Reserve(octets);
  std::optional<FenceCheck> fence;
  if (request.has_fence()) {
    fence.emplace(txn, request.fence());
    RETURN_IF_ERROR(fence->CheckLease());
  }
  ASSIGN_OR_RETURN(const MailboxId mailbox, Target(txn, request));
  ASSIGN_OR_RETURN(MailboxChange change, BeginChange(txn, mailbox));
  const std::string facts = ToStored(request.facts()).SerializeAsString();
  uint64_t modseq = 0;
  for (int i = 0; i < request.messages_size(); ++i) {
    if (fence) {
      ASSIGN_OR_RETURN(const bool is_new, fence->MarkSeen(request.fence().remote_ids(i)));
      if (!is_new) {
        response->add_uids(0);
        continue;
      }
    }
    if (modseq == 0) modseq = txn.NextModSeq();
    NewMessageFacts message;
    ASSIGN_OR_RETURN(message.flags, ResolveFlags(txn, mailbox, request.messages(i).flags(), &change));
    message.internal_seconds = prepared[i].internal_seconds;
    message.zone_minutes = request.messages(i).internal_date_zone_minutes();
    message.facts = facts;
    ASSIGN_OR_RETURN(const AddedMessage added, AddMessage(txn, mailbox, prepared[i].content, message, modseq, &change));
    WriteContent(txn.store(), prepared[i].content, contents);
    response->add_uids(added.uid);
    logged->push_back(Logged{MessageIdText(txn.number(), added.instance), added.uid, prepared[i].content.size()});
  }
  if (modseq != 0) txn.RecordChange(std::move(change));
  ASSIGN_OR_RETURN(const storage::v1::MailboxRecord* record, txn.Mailbox(mailbox));
  response->set_mailbox_id(MailboxIdText(mailbox));
  response->set_uid_validity(record->uid_validity());
  response->set_modseq(record->highest_modseq());
  return absl::OkStatus();
}

}  // namespace

void AppendMessages(Store& store, const AppendMessagesRequest& request, Done<AppendMessagesResponse> done) {
  absl::StatusOr<std::vector<Prepared>> prepared = Prepare(store, request);
  if (!prepared.ok()) return done(prepared.status());
  auto logged = std::make_shared<std::vector<Logged>>();  // shared with the completion
  std::vector<UploadPtr> uploads;
  for (const Prepared& one : *prepared) uploads.push_back(one.content.upload);
  auto finished = [metrics = store.metrics(), done = std::move(done), logged, uploads = std::move(uploads), facts = request.facts(),
                   request_id = request.request_id(), account_id = request.account_id()](
                      absl::StatusOr<AppendMessagesResponse> response) mutable {
    if (response.ok()) {
      for (const Logged& l : *logged) {
        LogStored(metrics, "append", facts, request_id, account_id, response->mailbox_id(), l.message_id, l.uid, l.size);
      }
    }
    done(std::move(response));
  };
  Mutate<AppendMessagesResponse>(store, request.account_id(), kAppendRequest, request.request_id(), std::move(finished),
                                 [&](Txn& txn, AppendMessagesResponse* response, MutationOptions&) {
                                   return Stage(txn, request, *prepared, response, logged.get(), txn.batch());
                                 });
}

}  // namespace mailmesh::mailbox_store
