#include "services/mailbox_store/engine/txn.h"

#include <algorithm>

#include "common/base/status.h"
#include "services/mailbox_store/engine/errors.h"
#include "services/mailbox_store/engine/request_memory.h"
#include "services/mailbox_store/engine/store.h"

namespace mailmesh::mailbox_store {

using storage::v1::AccountRecord;
using storage::v1::MailboxNameRecord;
using storage::v1::MailboxRecord;

// The account's lock is held by the caller for the transaction's life, which the analysis cannot follow.
Txn::Txn(Store& store, AccountPtr account, kv::Batch* batch) ABSL_NO_THREAD_SAFETY_ANALYSIS
    : store_(store), account_(std::move(account)), head_(account_->CurrentHead()), batch_(*batch) {}

absl::Status Txn::Begin() {
  if (head_.record.has_value()) {
    record_ = *head_.record;
  } else {
    std::string octets;
    absl::StatusOr<bool> found = store_.db().Get(store_.column(ColumnId::kAccounts), keys::Account(number()), &octets);
    if (!found.ok()) return FromKv(std::move(found).status());
    if (!*found) return AccountNotFound(account_->id());
    if (!record_.ParseFromString(octets)) return Damaged("account");
    head_.record = record_;
  }
  if (record_.deleted()) return AccountNotFound(account_->id());
  return absl::OkStatus();
}

AccountRecord& Txn::EditRecord() {
  record_edited_ = true;
  return record_;
}

absl::StatusOr<Txn::MailboxState*> Txn::LoadMailbox(MailboxId id) {
  const auto mine = mailboxes_.find(id.value());
  if (mine != mailboxes_.end()) {
    if (mine->second.removed) return MailboxNotFound(MailboxIdText(id));
    return &mine->second;
  }
  auto known = head_.mailboxes.find(id.value());
  if (known == head_.mailboxes.end()) {
    ASSIGN_OR_RETURN(const std::optional<std::string> octets, Get(ColumnId::kMailboxes, keys::Mailbox(number(), id)));
    if (!octets) return MailboxNotFound(MailboxIdText(id));
    MailboxRecord record;
    if (!record.ParseFromString(*octets)) return Damaged("mailbox");
    known = head_.mailboxes.emplace(id.value(), std::move(record)).first;
  }
  MailboxState& state = mailboxes_[id.value()];
  state.record = known->second;
  return &state;
}

absl::StatusOr<const MailboxRecord*> Txn::Mailbox(MailboxId id) {
  ASSIGN_OR_RETURN(MailboxState * state, LoadMailbox(id));
  return &state->record;
}

absl::StatusOr<MailboxRecord*> Txn::EditMailbox(MailboxId id) {
  ASSIGN_OR_RETURN(MailboxState * state, LoadMailbox(id));
  state->edited = true;
  return &state->record;
}

MailboxRecord* Txn::AddMailbox(MailboxId id) {
  MailboxState& state = mailboxes_[id.value()];
  state.edited = true;
  return &state.record;
}

void Txn::RemoveMailbox(MailboxId id) { mailboxes_[id.value()].removed = true; }

absl::StatusOr<std::optional<MailboxNameRecord>> Txn::FindName(std::string_view name) {
  ASSIGN_OR_RETURN(const std::optional<std::string> octets, Get(ColumnId::kNames, keys::Name(number(), name)));
  if (!octets) return std::optional<MailboxNameRecord>();
  MailboxNameRecord record;
  if (!record.ParseFromString(*octets)) return Damaged("mailbox name");
  return record;
}

void Txn::PutName(std::string_view name, const MailboxNameRecord& record) {
  Put(ColumnId::kNames, keys::Name(number(), name), record.SerializeAsString());
}

void Txn::DeleteName(std::string_view name) { Delete(ColumnId::kNames, keys::Name(number(), name)); }

absl::StatusOr<MailboxId> Txn::FindMailboxByName(std::string_view name) {
  ASSIGN_OR_RETURN(const std::optional<MailboxNameRecord> record, FindName(name));
  if (!record || record->mailbox() == 0) return MailboxNotFound(name);
  return MailboxId(record->mailbox());
}

absl::StatusOr<std::vector<std::pair<std::string, MailboxNameRecord>>> Txn::ScanNames(std::string lower, std::string upper,
                                                                                      size_t limit, ScanOrder order) {
  // Newest layer first; a key that a newer layer knows is not asked of an older one. Names are never merged.
  const Overlay* const layers[] = {&staged_, &head_.overlay};
  auto in_range = [&](const std::string& key) { return upper.empty() || key < upper; };
  std::map<std::string, const Overlay::Cell*> newer;
  for (const Overlay* layer : layers) {
    const Overlay::Cells& cells = layer->cells(ColumnId::kNames);
    for (auto it = cells.lower_bound(lower); it != cells.end() && in_range(it->first); ++it) {
      newer.emplace(it->first, &it->second);
    }
  }
  std::vector<std::pair<std::string, MailboxNameRecord>> result;
  auto add = [&](std::string_view key, std::string_view octets) {
    MailboxNameRecord record;
    if (!record.ParseFromArray(octets.data(), static_cast<int>(octets.size()))) return false;
    result.emplace_back(keys::NameOf(key), std::move(record));
    return true;
  };
  std::vector<std::pair<std::string_view, const Overlay::Cell*>> cells(newer.begin(), newer.end());
  const bool back = order == ScanOrder::kDescending;
  if (back) std::reverse(cells.begin(), cells.end());
  auto staged = cells.begin();
  auto stored = store_.db().NewIterator(store_.column(ColumnId::kNames), lower, upper);
  back ? stored->SeekToLast() : stored->SeekToFirst();
  auto step = [&] { back ? stored->Prev() : stored->Next(); };
  while (result.size() < limit && (staged != cells.end() || stored->Valid())) {
    bool ok = true;
    if (staged != cells.end() &&
        (!stored->Valid() || (back ? staged->first >= stored->key() : staged->first <= stored->key()))) {
      if (stored->Valid() && staged->first == stored->key()) step();
      if (!staged->second->deleted) ok = add(staged->first, staged->second->value);
      ++staged;
    } else {
      ok = add(stored->key(), stored->value());
      step();
    }
    if (!ok) return Damaged("mailbox name");
  }
  RETURN_IF_ERROR(FromKv(stored->status()));
  return result;
}

absl::Status Txn::ReadPage(ColumnId column, std::string_view key, StagedPage* page) {
  const Overlay::Cell* const mine = staged_.Find(column, key);
  const Overlay::Cell* const heads = head_.overlay.Find(column, key);
  const bool has_base = (mine != nullptr && mine->has_base) || (heads != nullptr && heads->has_base);
  std::optional<std::string_view> stored;
  if (!has_base) {
    absl::StatusOr<bool> found = store_.db().Get(store_.column(column), key, &page->stored);
    if (!found.ok()) return FromKv(std::move(found).status());
    if (*found) stored = page->stored.view();
  }
  return ReadPageOver(column, key, stored, page);
}

absl::Status Txn::ReadPageOver(ColumnId column, std::string_view key, std::optional<std::string_view> stored,
                               StagedPage* page) {
  const Overlay::Cell* const mine = staged_.Find(column, key);
  const Overlay::Cell* const heads = mine != nullptr && mine->has_base ? nullptr : head_.overlay.Find(column, key);
  const bool has_base = (mine != nullptr && mine->has_base) || (heads != nullptr && heads->has_base);
  bool ok = has_base || !stored || page->view.Apply(*stored);
  for (const Overlay::Cell* cell : {heads, mine}) {
    if (cell == nullptr) continue;
    if (cell->has_base && !cell->deleted) ok = ok && page->view.Apply(cell->value);
    for (const std::string& operand : cell->operands) ok = ok && page->view.Apply(operand);
  }
  return ok ? absl::OkStatus() : Damaged("page");
}

std::string Txn::NextStagedKey(ColumnId column, std::string_view from, std::string_view to) const {
  std::string least;
  for (const Overlay* layer : {static_cast<const Overlay*>(&staged_), static_cast<const Overlay*>(&head_.overlay)}) {
    const Overlay::Cells& cells = layer->cells(column);
    const auto it = cells.lower_bound(from);
    if (it == cells.end() || it->first >= to) continue;
    if (least.empty() || it->first < least) least = it->first;
  }
  return least;
}

void Txn::PutPage(ColumnId column, std::string_view key, std::string_view octets) {
  if (octets.empty()) {
    Delete(column, key);
  } else {
    Put(column, key, octets);
  }
  whole_pages_.emplace_back(key);
}

void Txn::MergePage(ColumnId column, std::string_view key, std::string_view delta) {
  staged_.Merge(column, key, delta);
  batch_.Merge(store_.column(column), key, delta);
  if (column == ColumnId::kMessages) delta_pages_.emplace_back(key);
}

uint32_t Txn::Deltas(ColumnId column, std::string_view key) const {
  if (column != ColumnId::kMessages) return 0;
  const auto it = head_.deltas.find(std::string(key));
  return it == head_.deltas.end() ? 0 : it->second;
}

absl::StatusOr<std::optional<std::string>> Txn::Get(ColumnId column, std::string_view key) {
  for (const Overlay* layer : {static_cast<const Overlay*>(&staged_), static_cast<const Overlay*>(&head_.overlay)}) {
    const Overlay::Cell* const cell = layer->Find(column, key);
    if (cell == nullptr) continue;
    if (cell->deleted) return std::optional<std::string>();
    return std::optional<std::string>(cell->value);
  }
  std::string value;
  absl::StatusOr<bool> found = store_.db().Get(store_.column(column), key, &value);
  if (!found.ok()) return FromKv(std::move(found).status());
  if (!*found) return std::optional<std::string>();
  return std::optional<std::string>(std::move(value));
}

void Txn::Put(ColumnId column, std::string_view key, std::string_view value) {
  staged_.Put(column, key, value);
  batch_.Put(store_.column(column), key, value);
}

void Txn::Delete(ColumnId column, std::string_view key) {
  staged_.Delete(column, key);
  batch_.Delete(store_.column(column), key);
}

void Txn::PutUnread(ColumnId column, std::string_view key, std::string_view value) {
  batch_.Put(store_.column(column), key, value);
}

void Txn::DeleteUnread(ColumnId column, std::string_view key) { batch_.Delete(store_.column(column), key); }

absl::StatusOr<std::optional<std::string>> Txn::FindRequest(char operation, std::string_view request_id,
                                                            std::string_view detail) {
  if (request_id.empty()) return std::optional<std::string>();
  ASSIGN_OR_RETURN(const std::optional<std::string> octets,
                   Get(ColumnId::kRequests, keys::Request(number(), operation, request_id, detail)));
  if (!octets) return std::optional<std::string>();
  const std::optional<std::string_view> response = DecodeRequest(*octets, store_.NowSeconds());
  if (!response) return std::optional<std::string>();
  return std::optional<std::string>(*response);
}

void Txn::RememberRequest(char operation, std::string_view request_id, std::string_view response, std::string_view detail) {
  if (request_id.empty()) return;
  const int64_t expires = store_.NowSeconds() + absl::ToInt64Seconds(store_.options().request_memory);
  Put(ColumnId::kRequests, keys::Request(number(), operation, request_id, detail), EncodeRequest(expires, response));
}

uint64_t Txn::NextModSeq() {
  AccountRecord& record = EditRecord();
  record.set_modseq(record.modseq() + 1);
  return record.modseq();
}

uint64_t Txn::NextInstance() {
  AccountRecord& record = EditRecord();
  record.set_last_instance(record.last_instance() + 1);
  return record.last_instance();
}

uint32_t Txn::NextUidValidity() {
  // Seconds, so that a mailbox made anew after the account's records were lost still gets a greater one.
  AccountRecord& record = EditRecord();
  const uint32_t now = static_cast<uint32_t>(std::clamp<int64_t>(store_.NowSeconds(), 1, kMaxUid - 1));
  record.set_last_uid_validity(std::max(record.last_uid_validity() + 1, now));
  return record.last_uid_validity();
}

void Txn::RecordChange(MailboxChange change) {
  const ModSeq modseq(change.modseq);
  if (!change.expunged.empty()) {
    PutUnread(ColumnId::kChanges, keys::Change(number(), change.mailbox, ChangeKind::kExpunged, modseq),
              change.expunged.Encode());
  }
  if (!change.messages.empty()) {
    UidSet changed;
    for (const ViewMessage& message : change.messages) changed.Append(message.uid);
    PutUnread(ColumnId::kChanges, keys::Change(number(), change.mailbox, ChangeKind::kChanged, modseq), changed.Encode());
    const auto state = mailboxes_.find(change.mailbox.value());
    if (state != mailboxes_.end()) {
      MailboxRecord& record = state->second.record;
      record.set_changes(record.changes() + 1);
      if (record.changes() % kMaxChangeRecords == 0) {
        PutUnread(ColumnId::kGarbage, keys::GarbageChanges(number(), change.mailbox), "");
      }
    }
  }
  changes_.push_back(std::move(change));
}

void Txn::Finish() {
  if (record_edited_) {
    batch_.Put(store_.column(ColumnId::kAccounts), keys::Account(number()), record_.SerializeAsString());
  }
  for (const auto& [id, state] : mailboxes_) {
    const std::string key = keys::Mailbox(number(), MailboxId(id));
    if (state.removed) {
      Delete(ColumnId::kMailboxes, key);
    } else if (state.edited) {
      // In the overlay too: the decoded record may be dropped from the head before this is durable.
      Put(ColumnId::kMailboxes, key, state.record.SerializeAsString());
    }
  }
}

std::vector<MailboxChange> Txn::Apply(uint64_t ticket) {
  if (record_edited_) head_.record = std::move(record_);
  for (auto& [id, state] : mailboxes_) {
    if (state.removed) {
      head_.mailboxes.erase(id);
    } else if (state.edited) {
      head_.mailboxes[id] = std::move(state.record);
    }
  }
  for (const std::string& key : whole_pages_) head_.deltas.erase(key);
  for (const std::string& key : delta_pages_) ++head_.deltas[key];
  head_.overlay.Absorb(std::move(staged_), ticket);
  return std::move(changes_);
}

}  // namespace mailmesh::mailbox_store
