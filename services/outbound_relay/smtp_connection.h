// A connection to another server, ready for mail: the socket beneath smtp::ClientMachine.
//
// Thread-safety: none; one coroutine at a time, on the executor that opened it.
#ifndef MAILMESH_SERVICES_OUTBOUND_RELAY_SMTP_CONNECTION_H_
#define MAILMESH_SERVICES_OUTBOUND_RELAY_SMTP_CONNECTION_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/net/buffered_reader.h"
#include "common/net/stream.h"
#include "common/smtp/client_machine.h"
#include "services/outbound_relay/relay.h"
#include "services/outbound_relay/route.h"

namespace mailmesh::outbound_relay {

// The content of a message, part by part.
class BodyReader {
 public:
  virtual ~BodyReader() = default;
  // The next octets; empty at the end.
  virtual net::Awaitable<absl::StatusOr<std::string>> Next() = 0;
};

// One address of a hop.
struct Server {
  std::string host;  // also the name that its certificate must have
  net::SocketAddress address;
};

class SmtpConnection {
 public:
  struct Opened {
    std::unique_ptr<SmtpConnection> connection;  // null: `failure` says why
    smtp::Outcome failure;
    bool connected = false;  // there is a server, whatever it said
  };
  // Connects, says EHLO, starts TLS as the policy has it, logs in where the route says so. A server that offers STARTTLS and then
  // fails at it is tried again in plain text where the policy is opportunistic (RFC 7435) and there is nothing to log in with.
  static net::Awaitable<Opened> Open(Relay& relay, Server server, const RouteAnswer& route);
  ~SmtpConnection();

  // Sends one message; an outcome for each recipient. After it, usable() tells whether another one may follow.
  net::Awaitable<std::vector<smtp::Outcome>> Send(smtp::Transaction transaction, BodyReader& body);
  bool usable() const { return !broken_ && !machine_.closed() && machine_.ready(); }
  // The content could not be read to its end: a fault of ours, and no other server can help.
  bool content_failed() const { return content_failed_; }
  // Whether the server has hung up, or said something, while the connection was idle.
  bool StillIdle();
  net::Awaitable<void> Quit();
  // Quit(), while the caller goes on.
  static void Leave(std::unique_ptr<SmtpConnection> connection);

  const smtp::Capabilities& offer() const { return machine_.offer(); }
  const Server& server() const { return server_; }
  uint32_t messages_sent() const { return messages_sent_; }
  net::TimePoint idle_since() const { return idle_since_; }
  net::TimePoint made_at() const { return made_at_; }

 private:
  SmtpConnection(Relay& relay, Server server, const RouteAnswer& route);
  static net::Awaitable<void> QuitAndClose(std::unique_ptr<SmtpConnection> connection);
  // Connect(), TLS where it comes first, Begin(), LogIn().
  net::Awaitable<absl::Status> MakeReady(bool try_tls);
  net::Awaitable<absl::Status> Connect();
  // Greeting, EHLO, STARTTLS. Sets failure_ when the server, or the policy, says no.
  net::Awaitable<absl::Status> Begin(bool try_tls);
  // The handshake. Sets failure_.
  net::Awaitable<absl::Status> SecureIt();
  // With the route's credentials, if it has any. Sets failure_, which is temporary.
  net::Awaitable<absl::Status> LogIn();
  net::Awaitable<absl::Status> TryLogIn();
  // A temporary failure of ours in failure_.
  void FailLocally(smtp::Stage stage, smtp::EnhancedStatus enhanced, std::string text);
  // The next event but NeedInput. `limit`: for each whole reply, however little of it comes at a time.
  net::Awaitable<absl::StatusOr<smtp::client::Event>> NextEvent(net::Duration limit);
  net::Awaitable<absl::StatusOr<smtp::client::Event>> AwaitEvent(net::Duration limit);
  net::Awaitable<absl::Status> Flush();
  net::Awaitable<absl::Status> SendBody(BodyReader& body);
  // Gives the machine what the server has said already; never waits.
  void Overhear();
  void NoteTls();

  Relay& relay_;
  const Server server_;
  const directory::v1::TlsPolicy policy_;
  const bool implicit_tls_;
  const std::optional<sasl::ClientCredentials> credentials_;
  net::Stream stream_;
  std::unique_ptr<net::BufferedReader> reader_;
  smtp::ClientMachine machine_;
  std::string_view input_;
  smtp::Outcome failure_;
  bool tls_failed_ = false;
  bool broken_ = false;
  bool write_failed_ = false;
  bool content_failed_ = false;
  uint32_t messages_sent_ = 0;
  net::TimePoint idle_since_;
  const net::TimePoint made_at_;
};

}  // namespace mailmesh::outbound_relay

#endif  // MAILMESH_SERVICES_OUTBOUND_RELAY_SMTP_CONNECTION_H_
