// What SORT and THREAD compare: a base subject is one for good, an id has none of what was removed around it.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "common/mime/base_subject.h"
#include "common/mime/message_id.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace mailmesh;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  const mime::BaseSubject once = mime::ExtractBaseSubject(text);
  const mime::BaseSubject twice = mime::ExtractBaseSubject(once.text);
  if (once.text.size() > size || twice.text != once.text || twice.is_reply) std::abort();
  std::string scratch;
  size_t before = text.size() + 1;
  while (const auto id = mime::TakeMessageId(&text, &scratch)) {
    if (text.size() >= before || id->find('@') == std::string_view::npos) std::abort();
    before = text.size();
  }
  return text.empty() ? 0 : (std::abort(), 0);
}
