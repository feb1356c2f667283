// Names, patterns, sets and dates: what is taken has one form, and comes back in it.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "common/imap/date_time.h"
#include "common/imap/list_pattern.h"
#include "common/imap/mailbox_name.h"
#include "common/imap/sequence_set.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace mailmesh::imap;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto name = DecodeModifiedUtf7(text);
  if (name.ok() && EncodeModifiedUtf7(*name) != text) std::abort();
  if (!DecodeModifiedUtf7(EncodeModifiedUtf7(text)).ok() && text.find('\0') == text.npos) std::abort();
  ValidateMailboxName(text).IgnoreError();
  const size_t half = size / 2;
  ListPattern("", text.substr(0, half)).Test(text.substr(half));
  const auto set = SequenceSet::Parse(text);
  if (set.ok() && !SequenceSet::Parse(set->ToString()).ok()) std::abort();
  if (set.ok()) set->Resolve(1u << 31).Count();
  const auto time = ParseDateTime(text);
  if (time.ok()) {
    std::string quoted;
    AppendDateTime(quoted, *time);
    const auto second = ParseDateTime(std::string_view(quoted).substr(1, quoted.size() - 2));
    if (!second.ok() || !(*second == *time)) std::abort();
  }
  ParseDate(text).status().IgnoreError();
  return 0;
}
