#include "common/auth/connection_facts.h"

#include <string_view>
#include <utility>

#include "common/net/proxy_accept.h"
#include "common/net/stream.h"

namespace mailmesh::auth {
namespace {

// RFC 9266, 4.2.
constexpr std::string_view kExporterLabel = "EXPORTER-Channel-Binding";
constexpr size_t kExporterSize = 32;
constexpr std::string_view kExporterVersion = "TLSv1.3";

}  // namespace

ConnectionFacts FactsOf(const net::Stream& stream, type::v1::Protocol protocol, telemetry::Trace trace) {
  ConnectionFacts facts;
  facts.protocol = protocol;
  facts.peer_address = stream.peer_address().is_unix() ? "unix" : stream.peer_address().ip().ToString();
  facts.local = stream.peer_address().is_local();
  facts.nobody = net::IsNobody(stream.peer_address());
  facts.tls = stream.is_tls();
  // RFC 5802, 6 and RFC 9266, 3: with TLS 1.3 a client that is offered -PLUS binds by tls-exporter, before it by tls-unique,
  // which is not here: there -PLUS would be an offer that no client can take.
  if (facts.tls && stream.tls_info().version == kExporterVersion) {
    facts.channel_binding = stream.ExportKeyingMaterial(kExporterLabel, kExporterSize).value_or("");
  }
  facts.trace = std::move(trace);
  return facts;
}

}  // namespace mailmesh::auth
