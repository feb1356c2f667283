// One POP3 connection, from greeting to end (RFC 1939, 3: AUTHORIZATION, TRANSACTION, UPDATE).
//
// session.cc frames lines and dispatches; login.cc has what happens before log-in, maildrop_commands.cc and retrieve.cc
// what comes after. Replies are gathered while more commands are buffered (PIPELINING) and written when none is.
// Thread-safety: none; the whole session runs on its stream's executor.
#ifndef MAILMESH_SERVICES_POP3_GATEWAY_SESSION_H_
#define MAILMESH_SERVICES_POP3_GATEWAY_SESSION_H_

#include <atomic>
#include <memory>
#include <string>

#include "common/base/line_reader.h"
#include "common/net/buffered_reader.h"
#include "common/net/stream.h"
#include "common/pop3/command.h"
#include "common/pop3/command_parser.h"
#include "common/pop3/reply.h"
#include "common/telemetry/trace.h"
#include "services/pop3_gateway/gateway.h"
#include "services/pop3_gateway/maildrop.h"

namespace mailmesh::pop3_gateway {

class Session {
 public:
  Session(Gateway& gateway, net::Stream stream, bool implicit_tls);
  net::Awaitable<void> Run();

 private:
  // Whether the session goes on after a command.
  enum class Next { kGoOn, kClose };
  using Result = net::Awaitable<Next>;

  // session.cc
  net::Awaitable<void> Serve();
  net::Awaitable<bool> Handshake();
  Result ServeLine(base::LineReader::Framed framed);
  Result Execute(pop3::Command command);
  // The next line; nothing: the session is over (why has been said).
  net::Awaitable<std::optional<base::LineReader::Framed>> NextLine();
  net::Awaitable<bool> WaitForInput();
  // A last word, unasked: the client may be sending a command. False.
  net::Awaitable<bool> SayLast(const pop3::CannedReply& reply);
  net::Awaitable<bool> Flush();
  void Say(const pop3::CannedReply& reply);
  Next SayAndGoOn(const pop3::CannedReply& reply);
  bool in_transaction() const { return maildrop_ != nullptr; }

  // login.cc
  Result On(pop3::User command);
  Result On(pop3::Pass command);
  Result On(pop3::Apop command);
  Result On(pop3::Auth command);
  Result On(pop3::Stls command);
  Result On(pop3::Capa command);
  Result On(pop3::Utf8 command);
  Result On(pop3::Lang command);
  auth::ConnectionFacts Facts() const;
  // What a log-in attempt came to: opens the maildrop, or says why not.
  Result Conclude(auth::Step step, std::string_view mechanism);

  // maildrop_commands.cc
  Result On(pop3::Stat command);
  Result On(pop3::List command);
  Result On(pop3::Uidl command);
  Result On(pop3::Dele command);
  Result On(pop3::Noop command);
  Result On(pop3::Rset command);
  Result On(pop3::Quit command);
  const MaildropMessage* FindOrSay(pop3::MessageNumber number);

  // retrieve.cc
  Result On(pop3::Retr command);
  Result On(pop3::Top command);
  Result Retrieve(pop3::MessageNumber number, std::optional<uint32_t> top_lines);
  // The first octets of the message, its header at least: in ASCII if the client has not asked for UTF-8. The rest is
  // maildrop_->ReadMessage()'s.
  net::Awaitable<absl::StatusOr<std::string>> OpenMessage(pop3::MessageNumber number, std::optional<uint32_t> top_lines);

  Gateway& gateway_;
  net::Stream stream_;
  net::BufferedReader reader_;
  base::LineReader lines_;
  const bool implicit_tls_;
  const std::string session_id_;
  const telemetry::Trace trace_;
  enum class Kick { kNone, kDrain, kNow };
  std::shared_ptr<std::atomic<Kick>> kicked_;  // shared with the registry's callback, which may run a little longer
  service::SessionRegistry::Entry entry_;
  net::TimePoint login_limit_;  // whoever has not logged in by then goes
  std::string out_;
  bool last_ok_ = false;  // of the last reply, for metrics
  bool lingers_ = false;  // the client may be sending at the end
  uint32_t errors_ = 0;
  uint32_t failed_logins_ = 0;
  bool utf8_ = false;  // RFC 6856, 2.1
  std::string user_;   // of USER
  std::string account_;
  std::unique_ptr<Maildrop> maildrop_;
};

}  // namespace mailmesh::pop3_gateway

#endif  // MAILMESH_SERVICES_POP3_GATEWAY_SESSION_H_
