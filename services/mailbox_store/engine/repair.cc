#include "services/mailbox_store/engine/repair.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "services/mailbox_store/engine/errors.h"
#include "services/mailbox_store/engine/mailbox_tree.h"
#include "services/mailbox_store/engine/page_walk.h"

namespace mailmesh::mailbox_store {
namespace {

using storage::v1::AccountRecord;
using storage::v1::MailboxNameRecord;
using storage::v1::MailboxRecord;

// Counts one mailbox into a copy of its record.
absl::StatusOr<MailboxRecord> Counted(Txn& txn, MailboxId id) {
  ASSIGN_OR_RETURN(const MailboxRecord* stored, txn.Mailbox(id));
  MailboxRecord record = *stored;
  record.set_messages(0);
  record.set_unseen(0);
  record.set_recent(0);
  record.set_deleted(0);
  record.set_octets(0);
  const UidSet all = UidSet::All();
  PageWalk walk(txn, ColumnId::kMessages, id, all, kMaxUid);
  while (true) {
    ASSIGN_OR_RETURN(const bool more, walk.Next());
    if (!more) return record;
    for (uint32_t i = walk.NextIndex(0); i < kv::kPageWidth; i = walk.NextIndex(i + 1)) {
      MessageRecord message;
      if (!message.Decode(walk.view().At(i))) return Damaged("message");
      const uint32_t uid = walk.base_uid() + i;
      record.set_messages(record.messages() + 1);
      record.set_unseen(record.unseen() + ((message.flags & kSeen) == 0));
      record.set_deleted(record.deleted() + ((message.flags & kDeleted) != 0));
      record.set_recent(record.recent() + (uid >= record.recent_from()));
      record.set_octets(record.octets() + message.size);
      record.set_highest_modseq(std::max(record.highest_modseq(), message.modseq));
      record.set_uid_next(std::max(record.uid_next(), uid + 1));
    }
  }
}

absl::Status Commit(Store& store, Txn& txn, kv::Batch& batch) {
  Store::CommitOptions options;
  options.sync = false;
  options.grows = false;
  options.wait = true;
  return store.Commit({&txn}, batch, options, nullptr);
}

absl::Status Write(Store& store, kv::Batch batch) {
  kv::Commit commit;
  commit.batch = std::move(batch);
  commit.sync = false;
  commit.grows = false;
  return FromKv(store.pipeline().Write(std::move(commit)));
}

absl::StatusOr<std::vector<std::pair<std::string, MailboxNameRecord>>> AllNames(Txn& txn) {
  const std::string prefix = keys::Account(txn.number());
  return txn.ScanNames(prefix, kv::PrefixEnd(prefix));
}

// A name of that form which is free.
absl::StatusOr<std::string> FreeName(Txn& txn, MailboxId id) {
  std::string name = absl::StrCat("Lost/", MailboxIdText(id));
  while (true) {
    ASSIGN_OR_RETURN(const auto taken, txn.FindName(name));
    if (!taken) return name;
    name += "-";
  }
}

}  // namespace

absl::Status RecountMailbox(Txn& txn, MailboxId id) {
  absl::StatusOr<MailboxRecord> counted = Counted(txn, id);
  if (absl::IsNotFound(counted.status())) return absl::OkStatus();
  if (!counted.ok()) return counted.status();
  AccountRecord& account = txn.EditRecord();
  account.set_modseq(std::max(account.modseq(), counted->highest_modseq()));
  account.set_last_mailbox(std::max(account.last_mailbox(), id.value()));
  account.set_last_uid_validity(std::max(account.last_uid_validity(), counted->uid_validity()));
  ASSIGN_OR_RETURN(MailboxRecord * record, txn.EditMailbox(id));
  *record = *std::move(counted);
  return absl::OkStatus();
}

absl::Status Recount(Txn& txn) {
  ASSIGN_OR_RETURN(const auto names, AllNames(txn));
  uint32_t mailboxes = 0;
  uint64_t messages = 0;
  uint64_t octets = 0;
  for (const auto& [name, entry] : names) {
    if (entry.mailbox() == 0) continue;
    RETURN_IF_ERROR(RecountMailbox(txn, MailboxId(entry.mailbox())));
    ASSIGN_OR_RETURN(const MailboxRecord* counted, txn.Mailbox(MailboxId(entry.mailbox())));
    ++mailboxes;
    messages += counted->messages();
    octets += counted->octets();
  }
  AccountRecord& account = txn.EditRecord();
  account.set_mailboxes(mailboxes);
  account.set_messages(messages);
  account.set_octets(octets);
  return absl::OkStatus();
}

absl::Status RepairAccount(Store& store, AccountId number, const std::function<absl::Status(Txn&)>& change) {
  ASSIGN_OR_RETURN(const AccountPtr account, store.FindAccountByNumber(number));
  absl::MutexLock lock(&account->mutex);
  kv::Batch batch;
  Txn txn(store, account, &batch);
  RETURN_IF_ERROR(txn.Begin());
  RETURN_IF_ERROR(change(txn));
  return Commit(store, txn, batch);
}

absl::Status RepairMessage(Store& store, AccountId account, MailboxId mailbox, const DerivedMessage& message) {
  return RepairAccount(store, account, [&](Txn& txn) -> absl::Status {
    const uint32_t index = message.uid & (kv::kPageWidth - 1);
    const std::string page = keys::Page(account, mailbox, message.uid >> kPageBits);
    StagedPage entries;
    StagedPage messages;
    RETURN_IF_ERROR(txn.ReadPage(ColumnId::kEntries, page, &entries));
    RETURN_IF_ERROR(txn.ReadPage(ColumnId::kMessages, page, &messages));
    EntryRecord entry;
    MessageRecord record;
    if (!entries.view.Has(index) || !messages.view.Has(index)) return absl::OkStatus();  // expunged meanwhile
    if (!entry.Decode(entries.view.At(index)) || !record.Decode(messages.view.At(index))) return Damaged("message");
    if (entry.instance != message.instance) return absl::OkStatus();
    auto merge = [&](ColumnId column, const std::string& key, uint32_t bits, std::string_view payload) {
      kv::PageWriter delta;
      delta.Add(message.uid & ((1u << bits) - 1), payload);
      txn.MergePage(column, key, delta.octets());
    };
    record.size = message.summary.size;
    entry.header_size = message.summary.header_size;
    merge(ColumnId::kMessages, page, kPageBits, record.Encode());
    merge(ColumnId::kEntries, page, kPageBits, entry.Encode());
    auto summary = [&](SummaryKind kind, std::string_view octets) {
      merge(ColumnId::kSummaries, keys::SummaryPage(account, mailbox, kind, message.uid >> kSummaryPageBits),
            kSummaryPageBits, octets);
    };
    summary(SummaryKind::kEnvelope, message.summary.envelope);
    summary(SummaryKind::kBody, message.summary.body);
    summary(SummaryKind::kBodyStructure, message.summary.body_structure);
    summary(SummaryKind::kStructure, message.summary.structure.SerializeAsString());
    summary(SummaryKind::kSearch, message.summary.search);
    // What the session knew cannot be derived; that it is not known can be written.
    StagedPage facts;
    RETURN_IF_ERROR(txn.ReadPage(ColumnId::kSummaries,
                                 keys::SummaryPage(account, mailbox, SummaryKind::kFacts, message.uid >> kSummaryPageBits),
                                 &facts));
    if (!facts.view.Has(message.uid & ((1u << kSummaryPageBits) - 1))) summary(SummaryKind::kFacts, "");
    txn.PutUnread(ColumnId::kReferences, keys::Reference(message.blob, account, message.instance), "");
    return absl::OkStatus();
  });
}

absl::Status RepairNames(Store& store, AccountId account) {
  return RepairAccount(store, account, [&](Txn& txn) -> absl::Status {
    ASSIGN_OR_RETURN(const auto names, AllNames(txn));
    std::set<uint64_t> named;
    for (const auto& [name, stored] : names) {
      if (stored.mailbox() == 0) continue;
      MailboxNameRecord entry = stored;
      const absl::StatusOr<const MailboxRecord*> record = txn.Mailbox(MailboxId(entry.mailbox()));
      if (!record.ok() && !absl::IsNotFound(record.status())) return record.status();
      // One mailbox under two names is its first's.
      if (!record.ok() || !named.insert(entry.mailbox()).second) {
        entry.set_mailbox(0);
        entry.clear_uid_validity();
        entry.clear_special_use();
        ASSIGN_OR_RETURN(const bool has_children, HasChildren(txn, name));
        entry.set_no_select(has_children);
        entry.no_select() || entry.subscribed() ? txn.PutName(name, entry) : txn.DeleteName(name);
        continue;
      }
      entry.set_uid_validity((*record)->uid_validity());
      entry.set_special_use((*record)->special_use());
      txn.PutName(name, entry);
      if ((*record)->name() == name) continue;
      ASSIGN_OR_RETURN(MailboxRecord * edited, txn.EditMailbox(MailboxId(entry.mailbox())));
      edited->set_name(name);
    }
    return absl::OkStatus();
  });
}

absl::Status NameMailbox(Store& store, AccountId account, MailboxId mailbox) {
  return RepairAccount(store, account, [&](Txn& txn) -> absl::Status {
    absl::StatusOr<MailboxRecord*> record = txn.EditMailbox(mailbox);
    if (absl::IsNotFound(record.status())) return absl::OkStatus();
    if (!record.ok()) return record.status();
    ASSIGN_OR_RETURN(const auto own, txn.FindName((*record)->name()));
    if (own && own->mailbox() == mailbox.value()) return absl::OkStatus();
    ASSIGN_OR_RETURN(const std::string name, FreeName(txn, mailbox));
    // Its parent is a name that only holds others, if it is not there.
    ASSIGN_OR_RETURN(std::optional<MailboxNameRecord> parent, txn.FindName(ParentOf(name)));
    if (!parent) parent.emplace();
    if (parent->mailbox() == 0) parent->set_no_select(true);
    txn.PutName(ParentOf(name), *parent);
    (*record)->set_name(name);
    MailboxNameRecord entry;
    entry.set_mailbox(mailbox.value());
    entry.set_uid_validity((*record)->uid_validity());
    (*record)->clear_special_use();
    txn.PutName(name, entry);
    return absl::OkStatus();
  });
}

absl::Status CollectMailbox(Store& store, AccountId account, MailboxId mailbox) {
  kv::Batch batch;
  batch.Put(store.column(ColumnId::kGarbage), keys::GarbageMailbox(account, mailbox), "");
  return Write(store, std::move(batch));
}

absl::Status CollectBlob(Store& store, const BlobId& blob, std::string_view stale_reference) {
  kv::Batch batch;
  if (!stale_reference.empty()) batch.Delete(store.column(ColumnId::kReferences), stale_reference);
  batch.Put(store.column(ColumnId::kGarbage), keys::GarbageBlob(GarbageKind::kBlob, blob), "");
  return Write(store, std::move(batch));
}

}  // namespace mailmesh::mailbox_store
