// Paths: what is taken comes back from its own writing, and equal mailboxes have one canonical form.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "common/smtp/address.h"

using namespace mailmesh::smtp;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  AddressOptions options;
  options.utf8 = size % 2 == 0;
  if (const auto mailbox = ParseMailbox(text, options)) {
    const std::string written = mailbox->ToString();
    if (written.find('\0') != std::string::npos) std::abort();
    if (written.find_first_of("\r\n<>") != std::string::npos && written.front() != '"') std::abort();
    AddressOptions roomy = options;
    roomy.max_local_part = roomy.max_path = 4096;  // quoting may make it longer
    const auto again = ParseMailbox(written, roomy);
    if (!again || !(*again == *mailbox) || again->Canonical() != mailbox->Canonical()) std::abort();
  }
  std::string_view rest = text;
  ReversePath path;
  if (TakeReversePath(rest, options, path) == AddressError::kNone) {
    if (rest.size() > text.size() || text.substr(text.size() - rest.size()) != rest) std::abort();
  }
  rest = text;
  Mailbox mailbox;
  static_cast<void>(TakeForwardPath(rest, options, mailbox));
  IsDomain(text, options.utf8);
  IsAddressLiteral(text);
  return 0;
}
