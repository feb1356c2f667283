// What is stored of a message, read when it is first asked for: one message after the other, in ascending UID order.
//
// Flow: message.MoveTo(scan) -> Entry(), Search() ... What they return is valid until the next MoveTo.
// Thread-safety: the scope's.
#ifndef MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_STORED_MESSAGE_H_
#define MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_STORED_MESSAGE_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/mime/structure.h"
#include "services/mailbox_store/engine/content_source.h"
#include "services/mailbox_store/engine/read_scope.h"
#include "services/mailbox_store/engine/search_record.h"

namespace mailmesh::mailbox_store {

class StoredMessage {
 public:
  // `scope` is borrowed.
  StoredMessage(const ReadScope& scope, MailboxId mailbox);

  void MoveTo(const MessageScan& message);

  uint32_t uid() const { return uid_; }
  const MessageRecord& record() const { return record_; }
  absl::StatusOr<const EntryRecord*> Entry();
  absl::StatusOr<const SearchRecord*> Search();
  // IMAP's wire form.
  absl::StatusOr<std::string_view> Envelope();
  absl::StatusOr<const mime::Structure*> Structure();
  absl::StatusOr<ContentSource*> Source();
  // The header block, as far as SEARCH looks at it.
  absl::StatusOr<std::string> Header();

 private:
  const ReadScope& scope_;
  PagedColumn entries_;
  PagedColumn searches_;
  PagedColumn envelopes_;
  PagedColumn structures_;
  uint32_t uid_ = 0;
  MessageRecord record_;
  std::optional<EntryRecord> entry_;
  std::optional<SearchRecord> search_;
  std::optional<mime::Structure> structure_;
  std::unique_ptr<ContentSource> source_;
};

}  // namespace mailmesh::mailbox_store

#endif  // MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_STORED_MESSAGE_H_
