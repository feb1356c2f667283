#include "common/auth/connection_facts.h"

#include <string_view>
#include <utility>

#include "common/net/stream.h"

namespace mailmesh::auth {
namespace {

// RFC 9266, 4.2.
constexpr std::string_view kExporterLabel = "EXPORTER-Channel-Binding";
constexpr size_t kExporterSize = 32;

}  // namespace

ConnectionFacts FactsOf(const net::Stream& stream, type::v1::Protocol protocol, std::string correlation_id) {
  ConnectionFacts facts;
  facts.protocol = protocol;
  facts.peer_address = stream.peer_address().is_unix() ? "unix" : stream.peer_address().ip().ToString();
  facts.local = stream.peer_address().is_local();
  facts.tls = stream.is_tls();
  if (facts.tls) facts.channel_binding = stream.ExportKeyingMaterial(kExporterLabel, kExporterSize).value_or("");
  facts.correlation_id = std::move(correlation_id);
  return facts;
}

}  // namespace mailmesh::auth
