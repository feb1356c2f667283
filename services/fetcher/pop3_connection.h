// A connection to a remote POP3 server, logged in: the socket beneath pop3::ClientMachine.
//
// Always verified TLS, from the first octet or by STLS; none only for a loopback address where the job allows it.
// Every wait ends after the command time-out, and everything after the longest time of a run. Thread-safety: none; one coroutine.
#ifndef MAILMESH_SERVICES_FETCHER_POP3_CONNECTION_H_
#define MAILMESH_SERVICES_FETCHER_POP3_CONNECTION_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <functional>
#include <string>
#include <vector>

#include "common/base/secret.h"
#include "common/net/buffered_reader.h"
#include "common/net/stream.h"
#include "common/pop3/client_machine.h"
#include "mailmesh/fetch/v1/fetch_job.pb.h"
#include "services/fetcher/fetcher.h"
#include "services/fetcher/maildrop.h"

namespace mailmesh::fetcher {

class Pop3Connection {
 public:
  explicit Pop3Connection(const Fetcher& fetcher);

  // Connects, starts TLS, logs in. Errors: Unavailable, Unauthenticated (the server refused the log-in, or its certificate is not
  // the one of its name), FailedPrecondition (no TLS where it is needed).
  net::Awaitable<absl::Status> Open(const fetch::v1::FetchJob& job, const base::Secret& credential);
  // The maildrop by UIDL and LIST. A server without UIDL: the ids are made of each message's size and header, by LIST and TOP;
  // Unimplemented where it has no TOP either. ResourceExhausted: more messages than the configuration lets a maildrop have.
  net::Awaitable<absl::StatusOr<Maildrop>> List();
  // Asks for a message; then ReadContent until it answers an empty string. NotFound: the server refuses this one and goes on;
  // ReadContent answers OutOfRange, and the connection is of no use, when the message is larger than the configuration allows.
  net::Awaitable<absl::Status> Retrieve(pop3::MessageNumber number);
  net::Awaitable<absl::StatusOr<std::string>> ReadContent();
  net::Awaitable<absl::Status> Delete(pop3::MessageNumber number);
  // The server removes what was deleted (RFC 1939, 6).
  net::Awaitable<absl::Status> Quit();
  void Close() { stream_.Close(); }

 private:
  // The next event but NeedInput; whatever waits to be written goes out first.
  net::Awaitable<absl::StatusOr<pop3::client::Event>> NextEvent();
  // The reply to the one command in flight; an error for -ERR.
  net::Awaitable<absl::StatusOr<pop3::Reply>> AwaitReply();
  net::Awaitable<absl::Status> AskCapabilities();
  net::Awaitable<absl::Status> StartTls(const std::string& host);
  net::Awaitable<absl::Status> EnableUtf8();
  net::Awaitable<absl::Status> LogIn(const std::string& user, const base::Secret& credential);
  // False: the server has no UIDL.
  net::Awaitable<absl::StatusOr<bool>> ListIds(Maildrop& drop);
  net::Awaitable<absl::Status> ListSizes(Maildrop& drop);
  net::Awaitable<absl::StatusOr<Maildrop>> ListWithoutIds();
  net::Awaitable<absl::StatusOr<std::string>> IdFromHeader(pop3::MessageNumber number, uint64_t size_bytes);
  absl::Status CheckCount(size_t messages) const;

  const Fetcher& fetcher_;
  net::Stream stream_;
  net::BufferedReader reader_;
  pop3::ClientMachine machine_;
  std::string_view input_;
  pop3::Capabilities capabilities_;
  bool message_done_ = true;
  uint64_t retrieved_bytes_ = 0;
};

}  // namespace mailmesh::fetcher

#endif  // MAILMESH_SERVICES_FETCHER_POP3_CONNECTION_H_
