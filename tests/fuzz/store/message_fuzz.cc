// Any message has a summary whose parts lie inside it, whether it comes whole or in pieces, and a search record to be read.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "services/mailbox_store/engine/search_record.h"
#include "services/mailbox_store/engine/summary.h"

using namespace mailmesh::mailbox_store;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view message(reinterpret_cast<const char*>(data) + 1, size - 1);
  const size_t piece = data[0] + 1u;
  const Summary whole = Summarise(message);
  SummaryBuilder builder;
  for (size_t i = 0; i < message.size(); i += piece) builder.Feed(message.substr(i, piece));
  const Summary pieces = std::move(builder).Finish();
  if (whole.envelope != pieces.envelope || whole.body != pieces.body || whole.search != pieces.search) std::abort();
  if (whole.body_structure != pieces.body_structure || whole.header_size != pieces.header_size) std::abort();
  if (whole.structure.SerializeAsString() != pieces.structure.SerializeAsString()) std::abort();
  if (whole.size != message.size() || whole.header_size > whole.size) std::abort();
  SearchRecord record;
  if (!DecodeSearchRecord(whole.search, &record)) std::abort();
  for (const auto& part : ToMime(whole.structure).parts) {
    if (part.body_offset + part.body_size > message.size()) std::abort();
  }
  return 0;
}
