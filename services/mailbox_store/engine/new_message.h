// A message on its way in: its content made ready outside of any lock, then staged into the mailboxes it goes to.
//
// Flow: Prepare (parses, digests) -> WriteContent (into the commit's batch, once) -> AddMessage for each mailbox.
// Thread-safety: a NewContent is constant once prepared.
#ifndef MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_NEW_MESSAGE_H_
#define MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_NEW_MESSAGE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/kv/batch.h"
#include "mailmesh/mailbox/v1/mailbox_service.pb.h"
#include "mailmesh/type/v1/message.pb.h"
#include "services/mailbox_store/engine/change.h"
#include "services/mailbox_store/engine/txn.h"
#include "services/mailbox_store/engine/uploads.h"

namespace mailmesh::mailbox_store {

struct NewContent {
  BlobId blob{};
  Summary summary;
  std::string structure;  // summary.structure, encoded
  // Inline: views into the request, which must outlive this.
  std::string_view trace_fields;
  std::string_view octets;
  std::string digest;
  // Uploaded: kept until the commit is durable.
  UploadPtr upload;
  uint32_t prefix = 0;

  uint64_t size() const { return summary.size; }
};

absl::StatusOr<NewContent> PrepareContent(Store& store, const type::v1::MessageBody& body);
void WriteContent(Store& store, const NewContent& content, kv::Batch& batch);
// About what the content and one message of it take in a batch.
size_t BatchSize(const NewContent& content);

struct NewMessageFacts {
  Flags flags = 0;
  int64_t internal_seconds = 0;
  int32_t zone_minutes = 0;
  // Encoded storage.v1.MessageFacts.
  std::string facts;
};

struct AddedMessage {
  uint32_t uid = 0;
  uint64_t instance = 0;
};

// Stages the message as the newest of the mailbox; ResourceExhausted/QUOTA. `modseq` and the record of the change are the caller's: one change record
// holds all messages of a commit.
absl::StatusOr<AddedMessage> AddMessage(Txn& txn, MailboxId mailbox, const NewContent& content, const NewMessageFacts& facts,
                                        uint64_t modseq, MailboxChange* change);

// Bits for the flags, adding keywords that the mailbox does not have yet. LimitReached beyond kMaxKeywords; InvalidArgument for
// what is no keyword. `change->keywords` is set if one was added.
absl::StatusOr<Flags> ResolveFlags(Txn& txn, MailboxId mailbox, const mailbox::v1::FlagList& flags, MailboxChange* change);

// A change of this mailbox that begins where the head is.
absl::StatusOr<MailboxChange> BeginChange(Txn& txn, MailboxId mailbox);

}  // namespace mailmesh::mailbox_store

#endif  // MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_NEW_MESSAGE_H_
