// Commands, status lines, capabilities and listings of any octets.
#include <cstdint>
#include <string>
#include <string_view>

#include "common/pop3/capability.h"
#include "common/pop3/command_parser.h"
#include "common/pop3/listing.h"
#include "common/pop3/reply.h"

using namespace mailmesh::pop3;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view line(reinterpret_cast<const char*>(data), size);
  (void)ParseCommand(line);
  (void)ParseAuthLine(line);
  (void)ParseChallenge(line);
  (void)ParseScanListing(line);
  (void)ParseUniqueIdListing(line);
  (void)ParseDropListing(line);
  Capabilities capabilities;
  ParseCapabilityLine(line, capabilities);
  std::string out;
  AppendCapabilities(capabilities, out);
  if (const auto reply = ParseReply(line)) {
    (void)GreetingTimestamp(*reply);
    AppendReply(*reply, out);
  }
  return 0;
}
