// Whatever the message, ENVELOPE, BODY and BODYSTRUCTURE are what the client role can read.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "common/imap/body_structure.h"
#include "common/imap/envelope.h"
#include "common/imap/response_parser.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace mailmesh;
  const auto structure = mime::ParseStructure(std::string_view(reinterpret_cast<const char*>(data), size));
  for (const bool extensible : {false, true}) {
    std::string text = "* 1 FETCH (BODYSTRUCTURE ";
    imap::AppendBodyStructure(text, structure, {.extensible = extensible, .rev2 = size % 2 == 0});
    text += " ENVELOPE ";
    const size_t start = text.size();
    imap::AppendEnvelope(text, structure.root().envelope ? *structure.root().envelope : mime::Envelope());
    std::string mailbox;
    if (!imap::FirstMailbox(std::string_view(text).substr(start), imap::EnvelopeList::kBcc, &mailbox)) std::abort();
    text += ")";
    const auto response = imap::ParseResponse(text);
    if (!response.ok()) std::abort();
    const auto& values = std::get<imap::DataResponse>(*response).values;
    if (values.size() != 1 || values[0].children.size() != 4 || values[0].children[3].children.size() != 10) std::abort();
  }
  return 0;
}
