// A SEARCH condition made ready: the part that the view can answer, and the part that the store must.
//
// UIDs, sequence numbers, flags, MODSEQ and \Recent are tested here on the version that the client knows; header fields,
// texts, dates and sizes go to the store, which is told to look only at what passed here.
// Thread-safety: none. Limits: the parser bounds the tree (depth 64). RFC 3501, 6.4.4; RFC 5032; RFC 7162, 3.1.5.
#ifndef MAILMESH_SERVICES_IMAP_GATEWAY_SEARCH_PROGRAM_H_
#define MAILMESH_SERVICES_IMAP_GATEWAY_SEARCH_PROGRAM_H_

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "common/imap/search_key.h"
#include "common/imap/sequence_set.h"
#include "mailmesh/mailbox/v1/search.pb.h"
#include "services/imap_gateway/client_view.h"

namespace mailmesh::imap_gateway {

class SearchProgram {
 public:
  // InvalidArgument with ERROR_REASON_BAD_CHARSET: the charset is not known. InvalidArgument: a sequence number that is
  // not there.
  static absl::StatusOr<SearchProgram> Make(imap::SearchKey key, const std::string& charset, const ClientView& client);

  // Sequence numbers of `client`'s version that match as far as the view can tell.
  imap::SequenceSet MatchView(const ClientView& client) const;
  // What the store has to test of those; nothing: they are the result.
  const std::optional<mailbox::v1::SearchKey>& for_store() const { return for_store_; }
  // The condition as a whole, for where the messages that passed here are too many ranges to be named.
  mailbox::v1::SearchKey WholeForStore(const ClientView& client) const;
  // RFC 7162, 3.1.5: the condition asks for MODSEQ, and the answer has it.
  bool uses_modseq() const { return uses_modseq_; }

 private:
  imap::SearchKey local_;
  std::optional<mailbox::v1::SearchKey> for_store_;
  bool uses_modseq_ = false;
};

}  // namespace mailmesh::imap_gateway

#endif  // MAILMESH_SERVICES_IMAP_GATEWAY_SEARCH_PROGRAM_H_
