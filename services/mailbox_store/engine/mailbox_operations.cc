// CreateMailbox, DeleteMailbox, RenameMailbox, SetSubscription (RFC 3501, 6.3.3 to 6.3.7).

#include <utility>
#include <vector>

#include "services/mailbox_store/engine/copy.h"
#include "services/mailbox_store/engine/mailbox_tree.h"
#include "services/mailbox_store/engine/mutation.h"
#include "services/mailbox_store/engine/removal.h"
#include "services/mailbox_store/engine/special_use.h"

namespace mailmesh::mailbox_store {
namespace {

using storage::v1::MailboxNameRecord;

constexpr size_t kMaxSubscribedName = 1000;

// A name that is taken; one that is only subscribed to is free.
bool Exists(const std::optional<MailboxNameRecord>& name) {
  return name.has_value() && (name->mailbox() != 0 || name->no_select());
}

absl::Status Create(Txn& txn, const mailbox::v1::CreateMailboxRequest& request, mailbox::v1::CreateMailboxResponse* response) {
  RETURN_IF_ERROR(CheckNewName(request.mailbox()));
  ASSIGN_OR_RETURN(const auto existing, txn.FindName(request.mailbox()));
  // A \Noselect name may become a mailbox again.
  if (existing && existing->mailbox() != 0) return AlreadyExists(request.mailbox());
  ASSIGN_OR_RETURN(const std::string_view use, ClaimSpecialUse(txn, request.mailbox(), request.special_use()));
  ASSIGN_OR_RETURN(const MailboxId id, MakeMailbox(txn, request.mailbox(), use));
  ASSIGN_OR_RETURN(const storage::v1::MailboxRecord* record, txn.Mailbox(id));
  response->set_mailbox_id(MailboxIdText(id));
  response->set_uid_validity(record->uid_validity());
  return absl::OkStatus();
}

absl::Status Delete(Txn& txn, const mailbox::v1::DeleteMailboxRequest& request) {
  // RFC 3501, 6.3.4: "It is an error to attempt to delete INBOX".
  if (request.mailbox() == kInboxName) return NotAllowed("INBOX cannot be deleted");
  ASSIGN_OR_RETURN(const auto existing, txn.FindName(request.mailbox()));
  if (!Exists(existing)) return MailboxNotFound(request.mailbox());
  if (existing->mailbox() == 0) {
    // RFC 3501, 6.3.4: "It is an error to attempt to delete a name that has inferior hierarchical names and also has the
    // \Noselect mailbox name attribute."
    ASSIGN_OR_RETURN(const bool has_children, HasChildren(txn, request.mailbox()));
    if (has_children) return NotAllowed("the name holds mailboxes");
  }
  RETURN_IF_ERROR(RemoveMailbox(txn, request.mailbox()));
  return PruneParents(txn, request.mailbox());
}

// Puts the mailbox of a name under another one. Subscriptions are to names and stay (RFC 3501, 6.3.9).
absl::Status MoveName(Txn& txn, const std::string& from, const MailboxNameRecord& record, const std::string& to) {
  ASSIGN_OR_RETURN(std::optional<MailboxNameRecord> target, txn.FindName(to));
  if (!target) target.emplace();
  const bool subscribed = target->subscribed();
  *target = record;
  target->set_subscribed(subscribed);
  txn.PutName(to, *target);
  MailboxNameRecord rest;
  rest.set_subscribed(record.subscribed());
  if (rest.subscribed()) {
    txn.PutName(from, rest);
  } else {
    txn.DeleteName(from);
  }
  if (record.mailbox() == 0) return absl::OkStatus();
  ASSIGN_OR_RETURN(storage::v1::MailboxRecord * mailbox, txn.EditMailbox(MailboxId(record.mailbox())));
  mailbox->set_name(to);
  return absl::OkStatus();
}

absl::Status RenameTree(Txn& txn, const std::string& from, const MailboxNameRecord& record, const std::string& to) {
  if (std::string_view(to).substr(0, from.size() + 1) == from + "/") return NotAllowed("a name cannot move below itself");
  const std::string children = keys::ChildrenOf(txn.number(), from);
  ASSIGN_OR_RETURN(const auto below, txn.ScanNames(children, kv::PrefixEnd(children)));
  for (const auto& [name, child] : below) {
    if (child.mailbox() == 0 && !child.no_select()) continue;  // a subscription only
    const std::string target = to + name.substr(from.size());
    RETURN_IF_ERROR(CheckNewName(target));  // it may have become too long
    ASSIGN_OR_RETURN(const auto taken, txn.FindName(target));
    if (Exists(taken)) return AlreadyExists(target);
  }
  RETURN_IF_ERROR(MoveName(txn, from, record, to));
  for (const auto& [name, child] : below) {
    if (child.mailbox() == 0 && !child.no_select()) continue;
    RETURN_IF_ERROR(MoveName(txn, name, child, to + name.substr(from.size())));
  }
  return absl::OkStatus();
}

absl::Status Rename(Txn& txn, const mailbox::v1::RenameMailboxRequest& request) {
  RETURN_IF_ERROR(CheckNewName(request.to()));
  ASSIGN_OR_RETURN(const auto from, txn.FindName(request.from()));
  if (!Exists(from)) return MailboxNotFound(request.from());
  ASSIGN_OR_RETURN(const auto to, txn.FindName(request.to()));
  if (Exists(to)) return AlreadyExists(request.to());
  if (request.from() == kInboxName) {
    // RFC 3501, 6.3.5: "Renaming INBOX is permitted, and has special behavior. It moves all messages in INBOX to a new mailbox
    // with the given name, leaving INBOX empty." Its children stay.
    ASSIGN_OR_RETURN(const MailboxId target, MakeMailbox(txn, request.to()));
    ASSIGN_OR_RETURN(const CopiedUids copied, CopyTo(txn, MailboxId(from->mailbox()), UidSet::All(), target, {.moves = true}));
    return RemoveMessages(txn, MailboxId(from->mailbox()), copied.source, {}).status();
  }
  if (const std::string_view parent = ParentOf(request.to()); !parent.empty()) {
    ASSIGN_OR_RETURN(const auto existing, txn.FindName(parent));
    if (!Exists(existing)) RETURN_IF_ERROR(MakeMailbox(txn, parent));
  }
  RETURN_IF_ERROR(RenameTree(txn, request.from(), *from, request.to()));
  return PruneParents(txn, request.from());
}

absl::Status Subscribe(Txn& txn, const mailbox::v1::SetSubscriptionRequest& request) {
  if (request.mailbox().empty() || request.mailbox().size() > kMaxSubscribedName) return BadName("subscription");
  ASSIGN_OR_RETURN(std::optional<MailboxNameRecord> record, txn.FindName(request.mailbox()));
  if (!record) {
    if (!request.subscribed()) return absl::OkStatus();
    // RFC 3501, 6.3.6: the name need not exist; it must be one that could.
    RETURN_IF_ERROR(CheckNewName(request.mailbox()));
    record.emplace();
  }
  if (record->subscribed() == request.subscribed()) return absl::OkStatus();
  record->set_subscribed(request.subscribed());
  if (!record->subscribed() && record->mailbox() == 0 && !record->no_select()) {
    txn.DeleteName(request.mailbox());
  } else {
    txn.PutName(request.mailbox(), *record);
  }
  return absl::OkStatus();
}

}  // namespace

void CreateMailbox(Store& store, const mailbox::v1::CreateMailboxRequest& request,
                   Done<mailbox::v1::CreateMailboxResponse> done) {
  Mutate<mailbox::v1::CreateMailboxResponse>(
      store, request.account_id(), kCreateRequest, request.request_id(), std::move(done),
      [&](Txn& txn, auto* response, MutationOptions&) { return Create(txn, request, response); });
}

void DeleteMailbox(Store& store, const mailbox::v1::DeleteMailboxRequest& request,
                   Done<mailbox::v1::DeleteMailboxResponse> done) {
  MutationOptions options;
  options.commit.grows = false;
  Mutate<mailbox::v1::DeleteMailboxResponse>(
      store, request.account_id(), kDeleteRequest, request.request_id(), std::move(done),
      [&](Txn& txn, auto*, MutationOptions&) { return Delete(txn, request); }, options);
}

void RenameMailbox(Store& store, const mailbox::v1::RenameMailboxRequest& request,
                   Done<mailbox::v1::RenameMailboxResponse> done) {
  Mutate<mailbox::v1::RenameMailboxResponse>(store, request.account_id(), kRenameRequest, request.request_id(),
                                             std::move(done),
                                             [&](Txn& txn, auto*, MutationOptions&) { return Rename(txn, request); });
}

void SetSubscription(Store& store, const mailbox::v1::SetSubscriptionRequest& request,
                     Done<mailbox::v1::SetSubscriptionResponse> done) {
  Mutate<mailbox::v1::SetSubscriptionResponse>(store, request.account_id(), kSubscribeRequest, request.request_id(),
                                               std::move(done),
                                               [&](Txn& txn, auto*, MutationOptions&) { return Subscribe(txn, request); });
}

}  // namespace mailmesh::mailbox_store
