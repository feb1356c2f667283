// However the content is cut, submission makes the same of it; switched off it changes nothing; done once, there is nothing
// left to do. The first two octets say where to cut.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "services/smtp_ingress/completion.h"

namespace {

using mailmesh::smtp_ingress::Completion;
using mailmesh::smtp_ingress::CompletionOptions;

std::string Run(std::string_view message, size_t cut, bool on) {
  Completion completion(CompletionOptions{on, on, "Mon, 02 Mar 2026 10:00:00 +0000", "<id@a.test>"});
  std::string out = completion.Feed(message.substr(0, cut));
  out += completion.Feed(message.substr(cut));
  return out + completion.Finish();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const std::string_view message(reinterpret_cast<const char*>(data) + 2, size - 2);
  const size_t cut = std::min<size_t>(data[0] * 256U + data[1], message.size());
  const std::string whole = Run(message, 0, true);
  if (Run(message, cut, true) != whole) std::abort();
  if (Run(message, cut, false) != message) std::abort();
  if (Run(whole, cut % (whole.size() + 1), true) != whole) std::abort();
  return 0;
}
