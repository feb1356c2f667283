// What is known of a message from its octets: parsed once, when it is stored.
//
// Flow: SummaryBuilder builder; builder.Feed(piece)...; Summary summary = std::move(builder).Finish();
// Trace fields that are put on top later move offsets only: ShiftBy.
// Thread-safety: a builder belongs to one thread. Limits: those of mime::StructureLimits; search texts are cut at kMaxSearch...
#ifndef MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_SUMMARY_H_
#define MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_SUMMARY_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "common/mime/structure.h"
#include "mailmesh/storage/v1/mailbox.pb.h"
#include "services/mailbox_store/engine/keys.h"

namespace mailmesh::mailbox_store {

struct Summary {
  // IMAP wire forms.
  std::string envelope;
  std::string body;
  std::string body_structure;
  // Search record, encoded (search_record.h).
  std::string search;
  storage::v1::MessageStructure structure;
  uint64_t header_size = 0;
  uint64_t size = 0;

  // The message has gained that many octets at its top, all of them trace fields.
  void ShiftBy(uint64_t octets);
  size_t MemoryEstimate() const;
};

class SummaryBuilder {
 public:
  SummaryBuilder();
  void Feed(std::string_view octets);
  Summary Finish() &&;

 private:
  mime::StructureParser parser_;
  mime::HeaderScanner scanner_;
  // The message's header, up to a limit: for the search record.
  std::string header_;
};

Summary Summarise(std::string_view message);

// Whether a header block has fields that a summary shows (From, Content-Type ...): then it is no mere trace.
bool HasSummarisedFields(std::string_view header_block);

// The structure as the readers of parts and of texts want it.
mime::Structure ToMime(const storage::v1::MessageStructure& stored);

}  // namespace mailmesh::mailbox_store

#endif  // MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_SUMMARY_H_
