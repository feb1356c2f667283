// What all sessions of the process share. Everything in it is thread-safe and outlives the sessions.
#ifndef MAILMESH_SERVICES_SMTP_INGRESS_INGRESS_H_
#define MAILMESH_SERVICES_SMTP_INGRESS_INGRESS_H_

#include <memory>
#include <string>

#include "common/auth/authenticator.h"
#include "common/auth/directory_client.h"
#include "common/auth/shard_map.h"
#include "common/net/awaitable.h"
#include "common/net/cidr.h"
#include "common/net/tls_server_context.h"
#include "common/rpc/replica_picker.h"
#include "common/rpc/stub_cache.h"
#include "common/service/session_registry.h"
#include "mailmesh/mailbox/v1/mailbox_service.grpc.pb.h"
#include "services/smtp_ingress/limits.h"
#include "services/smtp_ingress/metrics.h"

namespace mailmesh::smtp_ingress {

// Which port a session came in by: the rules differ (RFC 5321 for mx, RFC 6409 for submission, RFC 2033 for lmtp).
enum class ListenerKind { kMx, kSubmission, kSubmissions, kLmtp };

std::string_view ListenerName(ListenerKind kind);
inline bool IsSubmission(ListenerKind kind) {
  return kind == ListenerKind::kSubmission || kind == ListenerKind::kSubmissions;
}

struct Ingress {
  Ingress(telemetry::Registry& registry, service::SessionRegistry& session_registry, auth::Authenticator authenticator_in,
          std::shared_ptr<grpc::Channel> directory)
      : metrics(registry), sessions(session_registry), authenticator(std::move(authenticator_in)), lookups(std::move(directory)) {}

  Metrics metrics;
  service::SessionRegistry& sessions;
  auth::Authenticator authenticator;
  auth::DirectoryClient lookups;
  std::unique_ptr<auth::ShardMap> shards;
  rpc::StubCache<mailbox::v1::MailboxService> stores;
  // All that concerns one message in the relay goes to one replica: the others know nothing of it.
  std::unique_ptr<rpc::ReplicaPicker> relays;
  std::shared_ptr<net::TlsServerContext> tls;
  std::unique_ptr<Limits> limits;
  config::v1::CompletionConfig completion;
  std::string hostname;
  net::CidrSet lmtp_networks;  // with loopback
  uint64_t max_message_bytes = 0;
  uint32_t max_recipients = 0;
  uint32_t max_hops = 0;
  uint32_t max_bad_commands = 0;
  net::Duration command_timeout{};
  net::Duration data_timeout{};
  net::Duration session_timeout{};
  net::Duration transaction_timeout{};
};

}  // namespace mailmesh::smtp_ingress

#endif  // MAILMESH_SERVICES_SMTP_INGRESS_INGRESS_H_
