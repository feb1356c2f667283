// Any text is a configuration or has problems with a text each; what was loaded is complete.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "common/config/loader.h"
#include "mailmesh/config/v1/imap_gateway.pb.h"
#include "mailmesh/config/v1/outbound_relay.pb.h"
#include "mailmesh/config/v1/smtp_ingress.pb.h"

using namespace mailmesh::config;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  v1::ImapGatewayConfig imap;
  v1::SmtpIngressConfig smtp;
  v1::OutboundRelayConfig relay;
  for (google::protobuf::Message* message : {static_cast<google::protobuf::Message*>(&imap),
                                             static_cast<google::protobuf::Message*>(&smtp),
                                             static_cast<google::protobuf::Message*>(&relay)}) {
    const auto problems = LoadYaml(text, message, {.check_files = false});
    for (const Problem& problem : problems) {
      if (problem.text.empty() || problem.line < 0 || problem.column < 0) std::abort();
    }
    if (FormatProblems("file", problems).empty() != problems.empty()) std::abort();
    if (problems.empty() && !Complete(message, {.check_files = false}).empty()) std::abort();
  }
  return 0;
}
