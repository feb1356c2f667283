// One IMAP connection, from greeting to end (RFC 3501, 3: the states).
//
// session.cc reads commands and sends replies; each family of commands has a file in commands/. A handler appends
// untagged responses to out_ and sets the reply with Ok(), No(), Bad() or Fail(); the session then tells what has
// changed in the selected mailbox, as far as it may, and sends the tagged reply. What is said is gathered while more
// commands are buffered (pipelining) and written when none is.
// Thread-safety: none; the whole session runs on its stream's executor.
#ifndef MAILMESH_SERVICES_IMAP_GATEWAY_SESSION_H_
#define MAILMESH_SERVICES_IMAP_GATEWAY_SESSION_H_

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/imap/command.h"
#include "common/imap/command_parser.h"
#include "common/imap/command_reader.h"
#include "common/imap/fetch_response.h"
#include "common/imap/list_response.h"
#include "common/imap/response.h"
#include "common/net/buffered_reader.h"
#include "common/net/stream.h"
#include "common/telemetry/trace.h"
#include "mailmesh/mailbox/v1/mailbox_service.pb.h"
#include "services/imap_gateway/client_view.h"
#include "services/imap_gateway/gateway.h"
#include "services/imap_gateway/search_program.h"
#include "services/imap_gateway/status_to_imap.h"
#include "services/imap_gateway/view/shard.h"

namespace mailmesh::imap_gateway {

class StoreCalls;

class Session {
 public:
  Session(Gateway& gateway, net::Stream stream, bool implicit_tls);
  ~Session();
  net::Awaitable<void> Run();

 private:
  // Whether the session goes on after a command.
  enum class Next { kGoOn, kClose };
  using Result = net::Awaitable<Next>;

  // The selected mailbox.
  struct Selected {
    std::string name;
    std::string id;
    uint32_t uid_validity = 0;
    bool read_only = false;
    ViewLease lease;
    ClientView client;
    uint64_t own_modseq = 0;  // of the newest change that this session knows to have made
  };

  // session.cc
  net::Awaitable<void> Serve();
  net::Awaitable<bool> Handshake();
  net::Awaitable<std::optional<imap::CommandReader::Event>> NextEvent();
  Result OnEvent(imap::CommandReader::Event event);
  Result ServeCommand(imap::ParsedCommand parsed);
  Result Execute(imap::Command command);
  Result Finish(imap::Verb verb, bool uid);
  void OnReaderError(const imap::CommandReader::Event& event);
  void CountCommand(imap::Verb verb, net::TimePoint start);
  bool MayRun(imap::Verb verb);
  void SetState(SessionState state);

  // session_io.cc
  // Writes what has been said and waits for octets; false: the session is over (why has been said).
  net::Awaitable<bool> WaitForInput();
  // BYE, because the session is kicked; false.
  net::Awaitable<bool> SayClosing();
  net::Awaitable<bool> Flush();
  // out_, then `octets`, without copying them.
  net::Awaitable<bool> FlushWith(std::string_view octets);
  net::Awaitable<bool> FlushIfLarge();
  // The end, unasked: the client may be sending a command.
  void Bye(imap::Code code, std::string_view text);
  // The next line that is no command; nothing: the session is over.
  net::Awaitable<std::optional<imap::CommandReader::Event>> NextLine();

  // Replies: kGoOn, for `return`.
  Next Reply(imap::Condition condition, imap::ResponseCode code, std::string_view text);
  Next Ok(std::string_view text) { return Reply(imap::Condition::kOk, {}, text); }
  Next Ok(imap::ResponseCode code, std::string_view text) { return Reply(imap::Condition::kOk, std::move(code), text); }
  Next No(imap::ResponseCode code, std::string_view text) { return Reply(imap::Condition::kNo, std::move(code), text); }
  Next Bad(std::string_view text) { return Reply(imap::Condition::kBad, {}, text); }
  Next Refuse(const Refusal& refusal) { return Reply(refusal.condition, refusal.code, refusal.text); }
  // Logs what failed and answers as status_to_imap says.
  Next Fail(const absl::Status& status, std::string_view what, About about = About::kMailbox);

  // selected.cc
  // Tells the client what has changed since it was last told.
  Result Tell(ClientView::Options options);
  ClientView::Options TellOptions(bool may_expunge, bool uid) const;
  net::Awaitable<void> ClaimRecent(VersionPtr version);
  // RFC 7162, 3.1: the client has shown that it knows CONDSTORE.
  void EnableCondstore();
  void TellHighestModSeq();
  // Waits until the view shows a change of this session; gives up after a while, for it will be told later.
  net::Awaitable<void> AwaitChange(uint64_t modseq);
  // Lets go of the mailbox; the client is told as RFC 7162, 3.2.11 says.
  void Deselect(bool tell_closed);
  // Whether `name` is the selected mailbox. Asks the store: another session may have given the name to another mailbox.
  net::Awaitable<bool> IsSelected(std::string name);
  const Version& known() const { return selected_->client.known(); }
  // Sequence numbers that a set names; nothing: it is wrong, and BAD has been said.
  std::optional<imap::SequenceSet> Resolve(const imap::SequenceSet& set, bool uid);
  // False, and NO has been said, where the view is too old to answer from, or the mailbox was opened by EXAMINE.
  bool ViewIsCurrent();
  bool MayWrite();

  // commands/login.cc
  Result On(imap::Login command);
  Result On(imap::Authenticate command);
  Result On(imap::StartTls command);
  auth::ConnectionFacts Facts() const;
  std::vector<std::string> CapabilityWords() const;
  Result Conclude(auth::Step step, std::string_view mechanism);

  // commands/basic.cc
  Result On(imap::Capability command);
  Result On(imap::Noop command);
  Result On(imap::Logout command);
  Result On(imap::Id command);
  Result On(imap::Enable command);
  Result On(imap::Namespace command);
  Result On(imap::Check command);

  // commands/quota.cc
  Result On(imap::GetQuota command);
  Result On(imap::GetQuotaRoot command);
  Result On(imap::SetQuota command);
  Result TellQuota();

  // commands/idle.cc
  Result On(imap::Idle command);
  Result Idle();
  Result IdleWait();

  // commands/select.cc
  Result On(imap::Select command);
  Result On(imap::Close command);
  Result On(imap::Unselect command);
  void DescribeMailbox();

  // commands/mailboxes.cc
  Result On(imap::Create command);
  Result On(imap::Delete command);
  Result On(imap::Rename command);
  Result On(imap::Subscribe command);
  Result On(imap::Unsubscribe command);
  Result SetSubscription(std::string name, bool subscribed);

  // commands/list.cc
  Result On(imap::List command);
  Result On(imap::Lsub command);
  net::Awaitable<absl::StatusOr<std::vector<mailbox::v1::Mailbox>>> ReadMailboxes(bool subscribed_names);

  // commands/status.cc
  Result On(imap::Status command);
  net::Awaitable<absl::Status> AppendStatuses(std::vector<std::string> names, imap::StatusItems items);

  // commands/append.cc
  Result On(imap::Append command);  // never: APPEND is streamed
  Result ServeAppend(imap::CommandReader::Event event);
  Result ReadAppend(imap::ParsedCommand parsed, bool synchronizing);
  Result AppendBroken(imap::CommandReader::Event event);
  net::Awaitable<absl::Status> CheckAppend(const std::string& mailbox, const imap::AppendMessage& message);
  Result CommitAppend(mailbox::v1::AppendMessagesRequest request);

  // commands/expunge.cc
  Result On(imap::Expunge command);
  net::Awaitable<absl::Status> ExpungeDeleted(std::optional<imap::SequenceSet> uids);

  // commands/copy_move.cc
  Result On(imap::Copy command);
  Result On(imap::Move command);
  Next AllGone();

  // commands/store.cc
  Result On(imap::Store command);
  struct StoredFlags {
    uint64_t modseq = 0;
    imap::SequenceSet modified;  // UIDs that failed UNCHANGEDSINCE
    imap::SequenceSet missing;   // UIDs that are not there
  };
  net::Awaitable<absl::StatusOr<StoredFlags>> StoreFlags(mailbox::v1::StoreFlagsRequest request,
                                                         imap::SequenceSet sequences, VersionPtr version);
  Result TellUnchanged(imap::SequenceSet sequences, imap::SequenceSet modified, VersionPtr newest, bool uid);

  // commands/search.cc
  Result On(imap::Search command);
  // Nothing: it is wrong, and NO or BAD has been said.
  std::optional<SearchProgram> PrepareSearch(imap::SearchKey key, const std::string& charset);
  net::Awaitable<absl::StatusOr<imap::SequenceSet>> SearchStore(mailbox::v1::SearchKey key, imap::SequenceSet candidates);

  // commands/sort.cc
  Result On(imap::Sort command);
  Result On(imap::Thread command);

  // commands/fetch.cc
  Result On(imap::Fetch command);
  struct FetchJob;
  net::Awaitable<void> MarkSeen(FetchJob& job);
  Result FetchFromView(FetchJob& job);
  Result FetchFromStore(FetchJob& job);
  Result WriteBody(FetchJob& job, imap::FetchResponse& response, size_t selector);

  Gateway& gateway_;
  net::Stream stream_;
  net::BufferedReader reader_;
  imap::CommandReader commands_;
  const bool implicit_tls_;
  const std::string session_id_;
  const telemetry::Trace trace_;
  enum class Kick { kNone, kDrain, kNow };
  std::shared_ptr<std::atomic<Kick>> kicked_;  // shared with the registry's callback, which may run a little longer
  bool drains_ = false;   // a drain has found a command arriving
  bool drained_ = false;  // which was served since
  bool lingers_ = false;  // the client may be sending at the end
  service::SessionRegistry::Entry entry_;
  net::TimePoint login_limit_;  // whoever has not logged in by then goes
  SessionState state_ = SessionState::kUnauthenticated;
  std::string out_;
  uint32_t errors_ = 0;
  uint32_t failed_logins_ = 0;
  std::string account_;
  std::unique_ptr<StoreCalls> store_;  // logged in
  std::unique_ptr<Selected> selected_;
  std::shared_ptr<Observer> observer_;  // shared with the views that wake it
  bool condstore_ = false;              // RFC 7162, 3.1: the client has shown that it knows CONDSTORE
  bool condstore_told_ = false;         // by ENABLED

  // Of the command that is being served.
  std::string tag_;
  imap::Condition condition_ = imap::Condition::kOk;
  imap::ResponseCode code_;
  std::string text_;
  bool replied_ = false;  // the tagged reply is in out_ already
};

}  // namespace mailmesh::imap_gateway

#endif  // MAILMESH_SERVICES_IMAP_GATEWAY_SESSION_H_
