// `mailmesh session`: who is connected, over all roles; and ending a session.
#include <CLI/CLI.hpp>
#include <iostream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/status.h"
#include "mailmesh/control/v1/control_service.grpc.pb.h"
#include "services/mailmesh/cli/actions.h"
#include "services/mailmesh/cli/end_sessions.h"

namespace mailmesh::cli {
namespace {

using control::v1::ControlService;
using Stub = ControlService::Stub;

struct Arguments {
  std::string role;
  std::string account;
  std::string protocol;
  std::vector<std::string> ids;
};

struct Found {
  std::string instance;
  control::v1::Session session;
};

bool Matches(const Arguments& wanted, const control::v1::Session& session) {
  return (wanted.account.empty() || session.account() == wanted.account) &&
         (wanted.protocol.empty() || session.protocol() == wanted.protocol);
}

// The sessions that match, of every instance that answers; what does not answer is added to `away`.
absl::StatusOr<std::vector<Found>> FindSessions(Context& context, const Arguments& wanted, std::vector<std::string>* away) {
  ASSIGN_OR_RETURN(const auto instances, context.Instances(wanted.role));
  std::vector<Found> found;
  for (const std::string& instance : instances) {
    ASSIGN_OR_RETURN(const auto stub, Connect<ControlService>(context, instance));
    control::v1::ListSessionsRequest request;
    request.set_page_size(1000);
    do {
      auto page = Call<Stub>(stub.get(), &Stub::ListSessions, request);
      if (!page.ok()) {
        away->push_back(instance);
        break;
      }
      for (auto& session : *page->mutable_sessions()) {
        if (Matches(wanted, session)) found.push_back({instance, std::move(session)});
      }
      request.set_page_token(page->next_page_token());
    } while (!request.page_token().empty());
  }
  return found;
}

absl::Status Complain(const std::vector<std::string>& away) {
  if (away.empty()) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat("did not answer: ", absl::StrJoin(away, ", ")));
}

absl::Status ListSessions(Context& context, const Arguments& wanted) {
  std::vector<std::string> away;
  ASSIGN_OR_RETURN(const std::vector<Found> found, FindSessions(context, wanted, &away));
  Table table({"session_id", "role", "protocol", "peer", "account", "state", "tls", "since"});
  for (const auto& [instance, session] : found) {
    table.AddRow({session.session_id(), instance, session.protocol(), session.peer_address(), session.account(), session.state(),
                  session.tls() ? "yes" : "no", FormatTime(session.start_seconds())});
  }
  std::cout << table.Format(context.output);
  return Complain(away);
}

absl::StatusOr<bool> Kick(Context& context, const std::string& instance, const std::string& id) {
  ASSIGN_OR_RETURN(const auto stub, Connect<ControlService>(context, instance));
  control::v1::KickSessionRequest request;
  request.set_session_id(id);
  const absl::Status status = Call<Stub>(stub.get(), &Stub::KickSession, request).status();
  if (absl::IsNotFound(status)) return false;
  RETURN_IF_ERROR(status);
  return true;
}

// An id is asked for at every instance: which one serves the session is not in it.
absl::Status KickById(Context& context, const Arguments& wanted, size_t* kicked) {
  ASSIGN_OR_RETURN(const auto instances, context.Instances(wanted.role));
  std::vector<std::string> missing;
  for (const std::string& id : wanted.ids) {
    bool done = false;
    for (size_t i = 0; i < instances.size() && !done; ++i) {
      ASSIGN_OR_RETURN(done, Kick(context, instances[i], id));
    }
    if (done) ++*kicked;
    if (!done) missing.push_back(id);
  }
  if (missing.empty()) return absl::OkStatus();
  return absl::NotFoundError(absl::StrCat("no such session: ", absl::StrJoin(missing, ", ")));
}

absl::Status KickMatching(Context& context, const Arguments& wanted, size_t* kicked) {
  std::vector<std::string> away;
  ASSIGN_OR_RETURN(const std::vector<Found> found, FindSessions(context, wanted, &away));
  for (const auto& [instance, session] : found) {
    ASSIGN_OR_RETURN(const bool done, Kick(context, instance, session.session_id()));
    if (done) ++*kicked;  // else it ended by itself meanwhile
  }
  return Complain(away);
}

absl::Status KickSessions(Context& context, const Arguments& wanted) {
  if (wanted.ids.empty() == wanted.account.empty()) {
    return absl::InvalidArgumentError("name the sessions to end: by id, or with --account");
  }
  size_t kicked = 0;
  const absl::Status status =
      wanted.ids.empty() ? KickMatching(context, wanted, &kicked) : KickById(context, wanted, &kicked);
  std::cout << FormatRecord({{"kicked", absl::StrCat(kicked)}}, context.output);
  return status;
}

}  // namespace

absl::Status EndSessions(Context& context, const std::string& account) {
  Arguments wanted;
  wanted.account = account;
  std::vector<std::string> away;
  size_t ended = 0;
  for (const char* role : {"imap_gateway", "pop3_gateway", "smtp_ingress"}) {
    wanted.role = role;
    absl::StatusOr<std::vector<Found>> found = FindSessions(context, wanted, &away);
    if (absl::IsNotFound(found.status())) continue;  // a mesh without this role
    RETURN_IF_ERROR(found.status());
    for (const auto& [instance, session] : *found) {
      ASSIGN_OR_RETURN(const bool done, Kick(context, instance, session.session_id()));
      if (done) ++ended;  // else it ended by itself meanwhile
    }
  }
  std::cout << FormatRecord({{"sessions_ended", absl::StrCat(ended)}}, context.output);
  if (away.empty()) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat("done, but sessions of ", account, " may go on for a while: ",
                                             Complain(away).message()));
}

void AddSessionCommands(CLI::App& app) {
  auto* session = app.add_subcommand("session", "Clients that are connected, over all roles")->require_subcommand(1);
  auto arguments = std::make_shared<Arguments>();
  const auto add_filters = [&](CLI::App* command) {
    command->add_option("--role", arguments->role, "Only of this role, or instance of one (imap_gateway, imap_gateway.1)");
    command->add_option("--account", arguments->account, "Only of this account (its address)");
    command->add_option("--protocol", arguments->protocol, "Only of this protocol: smtp, lmtp, imap, pop3");
  };
  auto* list = session->add_subcommand("list", "Lists the sessions");
  add_filters(list);
  SetAction(list, [arguments](Context& context) { return ListSessions(context, *arguments); });
  auto* kick = session->add_subcommand("kick", "Ends sessions, by id or all of an account");
  kick->add_option("SESSION_ID", arguments->ids, "Sessions to end");
  add_filters(kick);
  SetAction(kick, [arguments](Context& context) { return KickSessions(context, *arguments); });
}

}  // namespace mailmesh::cli
