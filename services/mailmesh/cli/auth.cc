// `mailmesh auth test`: a log-in as a gateway would do it, without a mail client.
#include <CLI/CLI.hpp>
#include <iostream>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/status.h"
#include "common/sasl/client_session.h"
#include "mailmesh/directory/v1/auth_service.grpc.pb.h"
#include "services/mailmesh/cli/actions.h"

namespace mailmesh::cli {
namespace {

using directory::v1::AuthenticateRequest;
using directory::v1::AuthenticateResponse;
using directory::v1::AuthenticateSuccess;
using directory::v1::AuthService;
using Stream = grpc::ClientReaderWriter<AuthenticateRequest, AuthenticateResponse>;

struct Arguments {
  std::string address;
  std::string mechanism = "SCRAM-SHA-256";
  std::string peer = "127.0.0.1";
  bool no_tls = false;
  bool password_stdin = false;
};

void FillFacts(const Arguments& arguments, directory::v1::ConnectionFacts* facts) {
  facts->set_protocol(type::v1::PROTOCOL_IMAP);
  facts->set_peer_address(arguments.peer);
  facts->set_tls(!arguments.no_tls);
}

// One exchange of RFC 4422; the verdict, or why the call ended.
absl::StatusOr<AuthenticateSuccess> Exchange(Stream* stream, sasl::ClientSession* session, const Arguments& arguments) {
  AuthenticateRequest request;
  request.mutable_start()->set_mechanism(std::string(sasl::MechanismName(session->mechanism())));
  FillFacts(arguments, request.mutable_start()->mutable_facts());
  ASSIGN_OR_RETURN(const auto first, session->InitialResponse());
  if (first) request.mutable_start()->set_initial_response(std::string(first->Reveal()));
  AuthenticateResponse response;
  while (stream->Write(request) && stream->Read(&response)) {
    if (response.has_success()) {
      const AuthenticateSuccess& success = response.success();
      std::optional<std::string_view> final_data;
      if (success.has_final_data()) final_data = success.final_data();
      RETURN_IF_ERROR(session->CheckSuccess(final_data));
      stream->WritesDone();
      return success;
    }
    ASSIGN_OR_RETURN(const base::Secret answer, session->Respond(response.challenge()));
    request.Clear();
    request.set_response(std::string(answer.Reveal()));
  }
  const absl::Status status = FromGrpc(stream->Finish());
  if (status.ok()) return absl::InternalError("the directory ended the exchange without a verdict");
  return status;
}

absl::Status TestAuth(Context& context, const Arguments& arguments) {
  const auto mechanism = sasl::ParseMechanism(absl::AsciiStrToUpper(arguments.mechanism));
  if (!mechanism || sasl::IsPlus(*mechanism)) {
    return absl::InvalidArgumentError(absl::StrCat("cannot test ", arguments.mechanism,
                                                   ": use SCRAM-SHA-256, SCRAM-SHA-1, PLAIN or LOGIN"));
  }
  ASSIGN_OR_RETURN(const std::string password,
                   ReadSecret("Password for " + arguments.address, arguments.password_stdin, Asked::kOnce));
  ASSIGN_OR_RETURN(const auto session, sasl::ClientSession::Create(*mechanism, {arguments.address, base::Secret(password)}));
  ASSIGN_OR_RETURN(const auto stub, Connect<AuthService>(context, "directory"));

  directory::v1::ListMechanismsRequest list;
  FillFacts(arguments, list.mutable_facts());
  ASSIGN_OR_RETURN(const auto offered, Call<AuthService::Stub>(stub.get(), &AuthService::Stub::ListMechanisms, list));
  const auto call = NewCall();
  const auto stream = stub->Authenticate(call.get());
  ASSIGN_OR_RETURN(const AuthenticateSuccess success, Exchange(stream.get(), session.get(), arguments));
  std::cout << FormatRecord({{"result", "logged in"},
                             {"mechanism", std::string(sasl::MechanismName(*mechanism))},
                             {"address", success.address()},
                             {"account_id", success.account_id()},
                             {"shard", success.shard()},
                             {"offered", absl::StrJoin(offered.mechanisms(), " ")}},
                            context.output);
  return absl::OkStatus();
}

}  // namespace

void AddAuthCommands(CLI::App& app) {
  auto* auth = app.add_subcommand("auth", "Log-in")->require_subcommand(1);
  auto arguments = std::make_shared<Arguments>();
  auto* test = auth->add_subcommand("test", "Tries a log-in at the directory, as a gateway does; a failure counts like any other");
  test->add_option("ADDRESS", arguments->address, "The name to log in with")->required();
  test->add_option("--mechanism", arguments->mechanism, "SCRAM-SHA-256 (the default), SCRAM-SHA-1, PLAIN or LOGIN");
  test->add_option("--peer", arguments->peer, "Address that the client would have; 127.0.0.1 if not given");
  test->add_flag("--no-tls", arguments->no_tls, "As over a connection without TLS");
  test->add_flag("--password-stdin", arguments->password_stdin, "Read the password from standard input");
  SetAction(test, [arguments](Context& context) { return TestAuth(context, *arguments); });
}

}  // namespace mailmesh::cli
