#include "services/mailbox_store/engine/stored_message.h"

#include <algorithm>

#include "common/base/status.h"
#include "services/mailbox_store/engine/errors.h"
#include "services/mailbox_store/engine/section.h"
#include "services/mailbox_store/engine/summary.h"

namespace mailmesh::mailbox_store {

StoredMessage::StoredMessage(const ReadScope& scope, MailboxId mailbox)
    : scope_(scope),
      entries_(PagedColumn::Entries(scope, mailbox)),
      searches_(PagedColumn::Summaries(scope, mailbox, SummaryKind::kSearch)),
      envelopes_(PagedColumn::Summaries(scope, mailbox, SummaryKind::kEnvelope)),
      structures_(PagedColumn::Summaries(scope, mailbox, SummaryKind::kStructure)) {}

void StoredMessage::MoveTo(const MessageScan& message) {
  uid_ = message.uid();
  record_ = message.record();
  entry_.reset();
  search_.reset();
  structure_.reset();
  source_.reset();
}

absl::StatusOr<const EntryRecord*> StoredMessage::Entry() {
  if (!entry_) {
    ASSIGN_OR_RETURN(const std::string_view octets, entries_.At(uid_));
    entry_.emplace();
    if (!entry_->Decode(octets)) return Damaged("entry");
  }
  return &*entry_;
}

absl::StatusOr<const SearchRecord*> StoredMessage::Search() {
  if (!search_) {
    ASSIGN_OR_RETURN(const std::string_view octets, searches_.At(uid_));
    search_.emplace();
    if (!DecodeSearchRecord(octets, &*search_)) return Damaged("search record");
  }
  return &*search_;
}

absl::StatusOr<std::string_view> StoredMessage::Envelope() { return envelopes_.At(uid_); }

absl::StatusOr<const mime::Structure*> StoredMessage::Structure() {
  if (!structure_) {
    ASSIGN_OR_RETURN(const std::string_view octets, structures_.At(uid_));
    storage::v1::MessageStructure stored;
    if (!stored.ParseFromArray(octets.data(), static_cast<int>(octets.size()))) return Damaged("structure");
    structure_ = ToMime(stored);
  }
  return &*structure_;
}

absl::StatusOr<ContentSource*> StoredMessage::Source() {
  if (source_ == nullptr) {
    ASSIGN_OR_RETURN(const EntryRecord* entry, Entry());
    source_ = std::make_unique<ContentSource>(scope_, *entry, record_.size);
  }
  return source_.get();
}

absl::StatusOr<std::string> StoredMessage::Header() {
  ASSIGN_OR_RETURN(ContentSource * source, Source());
  return source->ReadAll(0, std::min(source->header_size(), kMaxHeader));
}

}  // namespace mailmesh::mailbox_store
