// StoreFlags: flags of a set of messages, with UNCHANGEDSINCE (RFC 7162, 3.1.3). A mailbox of 100,000 messages is some 400 pages.

#include "services/mailbox_store/engine/mutation.h"
#include "services/mailbox_store/engine/new_message.h"
#include "services/mailbox_store/engine/page_walk.h"

namespace mailmesh::mailbox_store {
namespace {

using mailbox::v1::StoreFlagsRequest;
using mailbox::v1::StoreFlagsResponse;

// Of the changed records of one page a delta is written while they are few and the page has not gathered many deltas.
constexpr uint32_t kMaxDeltaRecords = 16;
constexpr uint32_t kMaxDeltas = 24;

Flags NewFlags(StoreFlagsRequest::Mode mode, Flags old, Flags given) {
  switch (mode) {
    case StoreFlagsRequest::MODE_ADD:
      return old | given;
    case StoreFlagsRequest::MODE_REMOVE:
      return old & ~given;
    default:
      return given;
  }
}

// What a change of one message does to the mailbox's counters.
void Count(storage::v1::MailboxRecord* record, Flags before, Flags after) {
  if ((before & kSeen) != 0 && (after & kSeen) == 0) record->set_unseen(record->unseen() + 1);
  if ((before & kSeen) == 0 && (after & kSeen) != 0) record->set_unseen(record->unseen() - 1);
  if ((before & kDeleted) == 0 && (after & kDeleted) != 0) record->set_deleted(record->deleted() + 1);
  if ((before & kDeleted) != 0 && (after & kDeleted) == 0) record->set_deleted(record->deleted() - 1);
}

class FlagStore {
 public:
  FlagStore(Txn& txn, const StoreFlagsRequest& request, StoreFlagsResponse* response)
      : txn_(txn), request_(request), response_(*response) {}

  absl::Status Run() {
    const std::optional<MailboxId> id = ParseMailboxId(request_.mailbox_id());
    if (!id) return MailboxNotFound(request_.mailbox_id());
    ASSIGN_OR_RETURN(const UidSet uids, UidSet::FromProto(request_.uids()));
    ASSIGN_OR_RETURN(record_, txn_.EditMailbox(*id));
    ASSIGN_OR_RETURN(change_, BeginChange(txn_, *id));
    ASSIGN_OR_RETURN(given_, ResolveFlags(txn_, *id, request_.flags(), &change_));
    PageWalk walk(txn_, ColumnId::kMessages, *id, uids, record_->uid_next());
    while (true) {
      ASSIGN_OR_RETURN(const bool more, walk.Next());
      if (!more) break;
      RETURN_IF_ERROR(ChangePage(walk));
    }
    if (modseq_ != 0 || !change_.keywords.empty()) {
      if (modseq_ == 0) modseq_ = txn_.NextModSeq();
      record_->set_highest_modseq(modseq_);
      change_.modseq = modseq_;
      txn_.RecordChange(std::move(change_));
    }
    response_.set_modseq(record_->highest_modseq());
    modified_.ToProto(response_.mutable_modified());
    uids.Without(present_, record_->uid_next() - 1).ToProto(response_.mutable_missing());
    return absl::OkStatus();
  }

 private:
  struct Changed {
    uint32_t index;
    std::string payload;
  };

  absl::Status ChangePage(const PageWalk& walk) {
    std::vector<Changed> changed;
    for (uint32_t i = walk.NextIndex(0); i < kv::kPageWidth; i = walk.NextIndex(i + 1)) {
      const uint32_t uid = walk.base_uid() + i;
      MessageRecord message;
      if (!message.Decode(walk.view().At(i))) return Damaged("message");
      present_.Append(uid);
      if (request_.has_unchanged_since() && message.modseq > request_.unchanged_since()) {
        modified_.Append(uid);
        continue;
      }
      const Flags flags = NewFlags(request_.mode(), message.flags, given_);
      if (flags == message.flags) continue;
      Count(record_, message.flags, flags);
      if (modseq_ == 0) modseq_ = txn_.NextModSeq();
      message.flags = flags;
      message.modseq = modseq_;
      changed.push_back(Changed{i, message.Encode()});
      change_.messages.push_back(ViewMessage{uid, flags, modseq_});
    }
    if (!changed.empty()) WritePage(walk, changed);
    return absl::OkStatus();
  }

  void WritePage(const PageWalk& walk, const std::vector<Changed>& changed) {
    kv::PageWriter writer;
    if (changed.size() <= kMaxDeltaRecords && txn_.Deltas(ColumnId::kMessages, walk.key()) < kMaxDeltas) {
      for (const Changed& c : changed) writer.Add(c.index, c.payload);
      txn_.MergePage(ColumnId::kMessages, walk.key(), writer.octets());
      return;
    }
    auto next = changed.begin();
    for (uint32_t i = walk.view().Next(0); i < kv::kPageWidth; i = walk.view().Next(i + 1)) {
      const bool is_changed = next != changed.end() && next->index == i;
      writer.Add(i, is_changed ? std::string_view(next->payload) : walk.view().At(i));
      if (is_changed) ++next;
    }
    txn_.PutPage(ColumnId::kMessages, walk.key(), writer.octets());
  }

  Txn& txn_;
  const StoreFlagsRequest& request_;
  StoreFlagsResponse& response_;
  storage::v1::MailboxRecord* record_ = nullptr;
  MailboxChange change_;
  Flags given_ = 0;
  uint64_t modseq_ = 0;
  UidSet present_;
  UidSet modified_;
};

// Marking for deletion must work on a full disk.
bool Frees(const StoreFlagsRequest& request) {
  return request.flags().keywords().empty() && request.mode() == StoreFlagsRequest::MODE_ADD &&
         request.flags().system_flags() == kDeleted;
}

}  // namespace

void StoreFlags(Store& store, const StoreFlagsRequest& request, Done<StoreFlagsResponse> done) {
  if (request.mode() == StoreFlagsRequest::MODE_UNSPECIFIED || !StoreFlagsRequest::Mode_IsValid(request.mode())) {
    return done(InvalidRequest("mode"));
  }
  MutationOptions options;
  options.commit.grows = !Frees(request);
  Mutate<StoreFlagsResponse>(
      store, request.account_id(), kStoreRequest, request.request_id(), std::move(done),
      [&](Txn& txn, StoreFlagsResponse* response, MutationOptions&) { return FlagStore(txn, request, response).Run(); },
      options);
}

}  // namespace mailmesh::mailbox_store
