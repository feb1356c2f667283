// SearchMessages: the messages that match a search program, next to the data.

#include "common/base/status.h"
#include "services/mailbox_store/engine/errors.h"
#include "services/mailbox_store/engine/reads.h"
#include "services/mailbox_store/engine/search_program.h"

namespace mailmesh::mailbox_store {
namespace {

using mailbox::v1::SearchMessagesRequest;
using mailbox::v1::SearchMessagesResponse;

constexpr int kMessagesBetweenLooks = 64;

}  // namespace

absl::StatusOr<SearchMessagesResponse> SearchMessages(Store& store, const SearchMessagesRequest& request,
                                                      const std::function<bool()>& cancelled) {
  ASSIGN_OR_RETURN(const auto scope, ReadScope::Open(store, request.account_id()));
  const std::optional<MailboxId> id = ParseMailboxId(request.mailbox_id());
  if (!id) return MailboxNotFound(request.mailbox_id());
  ASSIGN_OR_RETURN(const storage::v1::MailboxRecord mailbox, scope->Mailbox(*id));
  UidSet within = UidSet::All();
  if (request.has_within()) {
    ASSIGN_OR_RETURN(within, UidSet::FromProto(request.within()));
  }
  ASSIGN_OR_RETURN(const auto program, SearchProgram::Make(*scope, mailbox, request.key()));
  StoredMessage message(*scope, *id);
  MessageScan scan(*scope, *id, within);
  UidSet found;
  for (int i = 0;; ++i) {
    if (i % kMessagesBetweenLooks == 0 && cancelled && cancelled()) return absl::CancelledError("search");
    ASSIGN_OR_RETURN(const bool more, scan.Next());
    if (!more) break;
    message.MoveTo(scan);
    ASSIGN_OR_RETURN(const bool matches, program->Matches(message));
    if (matches) found.Append(scan.uid());
  }
  SearchMessagesResponse response;
  found.ToProto(response.mutable_uids());
  response.set_modseq(mailbox.highest_modseq());
  return response;
}

}  // namespace mailmesh::mailbox_store
