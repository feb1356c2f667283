// One SMTP or LMTP connection, from greeting to end: drives smtp::ServerMachine, which knows the protocol's order and
// syntax, and answers its events by policy.
//
// session.cc has the loop and TLS, session_auth.cc log-in, session_mail.cc the transaction.
// Thread-safety: none; the whole session runs on its stream's executor.
#ifndef MAILMESH_SERVICES_SMTP_INGRESS_SESSION_H_
#define MAILMESH_SERVICES_SMTP_INGRESS_SESSION_H_

#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "common/net/buffered_reader.h"
#include "common/net/stream.h"
#include "common/smtp/server_machine.h"
#include "common/telemetry/trace.h"
#include "services/smtp_ingress/body_sink.h"
#include "services/smtp_ingress/completion.h"
#include "services/smtp_ingress/envelope.h"
#include "services/smtp_ingress/ingress.h"

namespace mailmesh::smtp_ingress {

class Session {
 public:
  Session(Ingress& ingress, net::Stream stream, ListenerKind kind);
  net::Awaitable<void> Run();

 private:
  using Handled = net::Awaitable<void>;

  // session.cc
  net::Awaitable<void> Serve();
  net::Awaitable<bool> Greet();
  net::Awaitable<bool> Handshake();
  // Writes what has been said and waits for more input; false: the connection is over.
  net::Awaitable<bool> Exchange();
  net::Awaitable<bool> Flush();
  net::TimePoint WaitLimit() const;
  // Kicked by a drain, in a transaction: it is finished first.
  bool FinishesTransaction() const;
  // Kicked, and between two commands, whatever more the client has pipelined.
  bool EndsHere() const;
  // Why the session is to end now; null: it goes on.
  const smtp::CannedReply* ReasonToEnd() const;
  // Says a last reply, for which the client gets a little time whatever else has run out.
  net::Awaitable<void> SayLast(const smtp::CannedReply& reply);
  // Writes what was said last, and ends the session.
  net::Awaitable<void> Part();
  Handled Handle(smtp::server::Event event);
  // Answers, and counts how long the command took.
  void Answer(smtp::Verb verb, const smtp::Reply& reply);
  smtp::Capabilities Offer() const;
  Client ForLimits() const { return {stream_.peer_address(), account_id_, kind_ == ListenerKind::kLmtp}; }
  void Close() { closing_ = true; }
  Handled On(smtp::server::HelloReceived event);
  Handled On(smtp::server::StartTlsReceived event);
  Handled On(smtp::server::VrfyReceived event);
  Handled On(smtp::server::ExpnReceived event);
  Handled On(smtp::server::HelpReceived event);
  Handled On(smtp::server::EtrnReceived event);
  Handled On(smtp::server::Answered event);
  Handled On(smtp::server::TransactionReset event);
  Handled On(smtp::server::Close event);
  Handled On(smtp::server::NeedInput event);

  // session_auth.cc
  Handled On(smtp::server::AuthReceived event);
  Handled On(smtp::server::AuthResponse event);
  Handled On(smtp::server::AuthAborted event);
  auth::ConnectionFacts Facts() const;
  void ConcludeStep(auth::Step step);

  // session_mail.cc
  Handled On(smtp::server::MailReceived event);
  Handled On(smtp::server::RcptReceived event);
  Handled On(smtp::server::BeginContent event);
  Handled On(smtp::server::ContentReceived event);
  Handled On(smtp::server::EndContent event);
  Handled On(smtp::server::ContentRefused event);
  net::Awaitable<std::vector<smtp::Reply>> Store(uint64_t size);
  type::v1::SessionFacts MessageFacts() const;
  std::string ReceivedFieldFor(const type::v1::SessionFacts& facts) const;
  std::string RecipientAddress(const smtp::Mailbox& forward_path) const;
  std::unique_ptr<Completion> NewCompletion() const;
  // Content on its way from the machine to where it is kept.
  net::Awaitable<void> TakeContent();
  void NoteCompletion();
  void DropTransaction();

  Ingress& ingress_;
  const ListenerKind kind_;
  net::Stream stream_;
  net::BufferedReader reader_;
  const std::string session_id_;
  // What a session that is asked to end still waits for.
  enum class Wait {
    kAsEver,          // it was not asked
    kForTransaction,  // what MAIL has begun comes to its end, where its client goes on
    kForNothing,
  };
  std::shared_ptr<std::atomic<Wait>> wait_;  // shared with the registry's callback, which may run a little longer
  service::SessionRegistry::Entry entry_;
  smtp::ServerMachine machine_;
  std::string_view input_;  // what the machine has not taken of reader_.data()
  bool closing_ = false;
  net::TimePoint served_start_;       // of what is being served, for metrics
  net::TimePoint command_start_;      // the next command is awaited since then
  net::TimePoint transaction_limit_;  // a content must have begun by then
  net::TimePoint session_end_;        // the client hears 421 at its next command

  std::string helo_;
  std::unique_ptr<auth::Exchange> exchange_;
  std::string mechanism_;
  uint32_t failed_logins_ = 0;
  std::string account_id_;  // of whom logged in
  std::string account_;     // its address
  Limits::SessionPermit account_permit_;  // of whom logged in

  telemetry::Trace trace_ = telemetry::Trace::New();  // of the session until MAIL, then of the newest message
  std::unique_ptr<Envelope> envelope_;
  std::unique_ptr<BodySink> body_;
  std::unique_ptr<Completion> completion_;  // on submission
};

}  // namespace mailmesh::smtp_ingress

#endif  // MAILMESH_SERVICES_SMTP_INGRESS_SESSION_H_
