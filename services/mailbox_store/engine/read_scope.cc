#include "services/mailbox_store/engine/read_scope.h"

#include <algorithm>

#include "common/base/bytes.h"
#include "common/base/status.h"
#include "services/mailbox_store/engine/errors.h"

namespace mailmesh::mailbox_store {
namespace {

// Sets that span fewer pages are read page by page: an iterator costs more than a few look-ups.
constexpr uint32_t kFewPages = 4;

}  // namespace

absl::StatusOr<std::unique_ptr<ReadScope>> ReadScope::Open(Store& store, std::string_view account_id) {
  ASSIGN_OR_RETURN(AccountPtr account, store.FindAccount(account_id));
  auto scope = std::unique_ptr<ReadScope>(new ReadScope(store, std::move(account)));
  kv::Value value;
  ASSIGN_OR_RETURN(const bool found, scope->Get(ColumnId::kAccounts, keys::Account(scope->account()), &value));
  if (!found) return AccountNotFound(account_id);
  storage::v1::AccountRecord& record = scope->record_;
  if (!record.ParseFromArray(value.view().data(), static_cast<int>(value.view().size()))) return Damaged("account");
  if (record.deleted()) return AccountNotFound(account_id);
  return scope;
}

absl::StatusOr<bool> ReadScope::Get(ColumnId column, std::string_view key, kv::Value* value) const {
  absl::StatusOr<bool> found = store_.db().Get(store_.column(column), key, value, &snapshot_);
  if (!found.ok()) return FromKv(std::move(found).status());
  return found;
}

std::unique_ptr<kv::Iterator> ReadScope::Scan(ColumnId column, std::string lower, std::string upper) const {
  return store_.db().NewIterator(store_.column(column), std::move(lower), std::move(upper), &snapshot_);
}

absl::StatusOr<storage::v1::MailboxRecord> ReadScope::Mailbox(MailboxId id) const {
  kv::Value value;
  ASSIGN_OR_RETURN(const bool found, Get(ColumnId::kMailboxes, keys::Mailbox(account(), id), &value));
  if (!found) return MailboxNotFound(MailboxIdText(id));
  storage::v1::MailboxRecord record;
  if (!record.ParseFromArray(value.view().data(), static_cast<int>(value.view().size()))) return Damaged("mailbox");
  return record;
}

absl::StatusOr<MailboxId> ReadScope::FindMailboxByName(std::string_view name) const {
  kv::Value value;
  ASSIGN_OR_RETURN(const bool found, Get(ColumnId::kNames, keys::Name(account(), name), &value));
  if (!found) return MailboxNotFound(name);
  storage::v1::MailboxNameRecord record;
  if (!record.ParseFromArray(value.view().data(), static_cast<int>(value.view().size()))) return Damaged("mailbox name");
  if (record.mailbox() == 0) return MailboxNotFound(name);
  return MailboxId(record.mailbox());
}

MessageScan::MessageScan(const ReadScope& scope, MailboxId mailbox, const UidSet& uids)
    : scope_(scope), mailbox_(mailbox), uids_(uids) {
  if (uids.empty()) return;
  const uint32_t pages = (uids.ranges().back().last >> kPageBits) - (uids.ranges().front().first >> kPageBits);
  if (pages < kFewPages) return;
  const std::string prefix = keys::Mailbox(scope.account(), mailbox);
  iterator_ = scope.Scan(ColumnId::kMessages, prefix, kv::PrefixEnd(prefix));
}

absl::StatusOr<bool> MessageScan::GetNextPage() {
  while (next_uid_ <= kMaxUid) {
    const uint32_t uid = uids_.NextMember(static_cast<uint32_t>(next_uid_));
    if (uid == 0) return false;
    const uint32_t page = uid >> kPageBits;
    base_uid_ = page << kPageBits;
    next_uid_ = static_cast<uint64_t>(base_uid_) + kv::kPageWidth;
    ASSIGN_OR_RETURN(in_page_, scope_.Get(ColumnId::kMessages, keys::Page(scope_.account(), mailbox_, page), &value_));
    if (!in_page_) continue;
    reader_ = kv::PageReader(value_.view());
    wanted_ = uid;
    return true;
  }
  return false;
}

absl::StatusOr<bool> MessageScan::NextPage() {
  if (iterator_ == nullptr) return GetNextPage();
  if (next_uid_ > kMaxUid) return false;
  const uint32_t uid = uids_.NextMember(static_cast<uint32_t>(next_uid_));
  if (uid == 0) return false;
  const uint32_t page = uid >> kPageBits;
  // The next page is the next key, most often.
  if (in_page_) {
    iterator_->Next();
    if (iterator_->Valid() && keys::PageOf(iterator_->key()) < page) in_page_ = false;
  }
  if (!in_page_) iterator_->Seek(keys::Page(scope_.account(), mailbox_, page));
  if (!iterator_->Valid()) {
    RETURN_IF_ERROR(FromKv(iterator_->status()));
    in_page_ = false;
    next_uid_ = static_cast<uint64_t>(kMaxUid) + 1;
    return false;
  }
  in_page_ = true;
  base_uid_ = keys::PageOf(iterator_->key()) << kPageBits;
  next_uid_ = static_cast<uint64_t>(base_uid_) + kv::kPageWidth;
  reader_ = kv::PageReader(iterator_->value());
  wanted_ = uids_.NextMember(std::max(uid, base_uid_));
  return true;
}

absl::StatusOr<bool> MessageScan::Next() {
  while (true) {
    // A page is read no further than to the last member in it: FETCH is often of a single message.
    while (in_page_ && wanted_ != 0 && wanted_ < next_uid_ && reader_.Next()) {
      uid_ = base_uid_ + reader_.index();
      if (uid_ < wanted_) continue;
      wanted_ = uids_.NextMember(uid_);
      if (uid_ != wanted_) continue;
      wanted_ = uid_ == kMaxUid ? 0 : uids_.NextMember(uid_ + 1);
      if (!record_.Decode(reader_.payload())) return Damaged("message");
      return true;
    }
    if (reader_.damaged()) return Damaged("page of messages");
    ASSIGN_OR_RETURN(const bool more, NextPage());
    if (!more) return false;
  }
}

PagedColumn PagedColumn::Entries(const ReadScope& scope, MailboxId mailbox) {
  return PagedColumn(scope, ColumnId::kEntries, keys::Mailbox(scope.account(), mailbox), kPageBits);
}

PagedColumn PagedColumn::Summaries(const ReadScope& scope, MailboxId mailbox, SummaryKind kind) {
  return PagedColumn(scope, ColumnId::kSummaries, keys::SummaryPrefix(scope.account(), mailbox, kind), kSummaryPageBits);
}

absl::StatusOr<std::string_view> PagedColumn::At(uint32_t uid) {
  const uint32_t index = uid & ((1u << bits_) - 1);
  if (uid >> bits_ != page_) {
    std::string key = prefix_;
    base::AppendBigEndian(key, uid >> bits_);
    page_ = kMaxUid;
    ASSIGN_OR_RETURN(const bool found, scope_.Get(column_, key, &value_));
    Rewind(found ? value_.view() : std::string_view());
    page_ = uid >> bits_;
  } else if (on_record_ && reader_.index() > index) {
    Rewind(value_.view());
  }
  while (!on_record_ || reader_.index() < index) {
    on_record_ = reader_.Next();
    if (on_record_) continue;
    page_ = kMaxUid;  // nothing is left of it for a later call
    return Damaged(reader_.damaged() ? "page" : "record of a message is missing");
  }
  if (reader_.index() != index || reader_.removed()) return Damaged("record of a message is missing");
  return reader_.payload();
}

void PagedColumn::Rewind(std::string_view page) {
  reader_ = kv::PageReader(page);
  on_record_ = false;
}

}  // namespace mailmesh::mailbox_store
