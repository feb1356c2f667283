// A search key made ready for one mailbox, and the test of a message by it (RFC 3501, 6.4.4).
//
// Cheapest columns first: a key over flags reads no entries, one over a subject no contents.
// Thread-safety: one thread. Limits: 1,000 nodes, 64 deep.
#ifndef MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_SEARCH_PROGRAM_H_
#define MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_SEARCH_PROGRAM_H_

#include <memory>

#include "absl/status/statusor.h"
#include "mailmesh/mailbox/v1/search.pb.h"
#include "services/mailbox_store/engine/stored_message.h"

namespace mailmesh::mailbox_store {

class SearchProgram {
 public:
  // InvalidArgument: not a key. ResourceExhausted/LIMIT: too large.
  static absl::StatusOr<std::unique_ptr<SearchProgram>> Make(const ReadScope& scope,
                                                             const storage::v1::MailboxRecord& mailbox,
                                                             const mailbox::v1::SearchKey& key);
  ~SearchProgram();

  absl::StatusOr<bool> Matches(StoredMessage& message) const;

 private:
  struct Node;
  class Compiler;
  class Evaluation;

  SearchProgram(mailbox::v1::SearchKey key, int64_t now);

  const mailbox::v1::SearchKey key_;
  const int64_t now_;
  std::unique_ptr<Node> root_;  // refers to key_
};

}  // namespace mailmesh::mailbox_store

#endif  // MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_SEARCH_PROGRAM_H_
