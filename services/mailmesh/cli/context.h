// How a command reaches its mesh, and how it says what came of it.
#ifndef MAILMESH_SERVICES_MAILMESH_CLI_CONTEXT_H_
#define MAILMESH_SERVICES_MAILMESH_CLI_CONTEXT_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <grpcpp/grpcpp.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "services/mailmesh/cli/output.h"

namespace CLI {
class App;
}

namespace mailmesh::cli {

// Exit codes of `mailmesh`.
enum ExitCode { kOk = 0, kFailed = 1, kUsage = 2, kUnreachable = 69 };

class Context {
 public:
  // Set from the command line before a command runs.
  std::string dir;          // --dir, or MAILMESH_DIR
  std::string config_file;  // --mesh, or MAILMESH_CONFIG: a YAML map of role -> address, and `tls`
  OutputFormat output = OutputFormat::kTable;

  // Instances of all roles that the mesh names: "imap_gateway", "imap_gateway.1" -> gRPC address.
  absl::StatusOr<std::map<std::string, std::string>> GrpcEndpoints();
  // Those of a role, or the one instance of this name; all if empty. NotFound where there is none.
  absl::StatusOr<std::vector<std::string>> Instances(const std::string& role);
  // A channel to a role (or one instance of it), or to an address that the directory gave.
  absl::StatusOr<std::shared_ptr<grpc::Channel>> ChannelTo(const std::string& instance);
  absl::StatusOr<std::shared_ptr<grpc::Channel>> ChannelToEndpoint(const std::string& role, const std::string& endpoint);
  // A channel to the mailbox shard of this name.
  absl::StatusOr<std::shared_ptr<grpc::Channel>> ChannelToShard(const std::string& shard);
  absl::StatusOr<std::vector<std::string>> ShardNames();

 private:
  absl::Status Load();

  bool loaded_ = false;
  std::map<std::string, std::string> endpoints_;  // as in endpoints.json
  std::string certificate_, private_key_, authority_;
};

// What a parsed command does. The text of a failed status is for the operator: it may name internals.
using Action = std::function<absl::Status(Context&)>;

// A stub of a service of this role: Connect<DirectoryAdminService>(context, "directory").
template <class Service>
absl::StatusOr<std::unique_ptr<typename Service::Stub>> Connect(Context& context, const std::string& instance) {
  absl::StatusOr<std::shared_ptr<grpc::Channel>> channel = context.ChannelTo(instance);
  if (!channel.ok()) return channel.status();
  return Service::NewStub(*channel);
}

// Registers a command's action, to be run once the whole line is parsed.
void SetAction(CLI::App* command, Action action);

// One unary call with a deadline of 30 s. Use: Call(stub.get(), &Stub::CreateDomain, request).
template <class Stub, class Request, class Response>
absl::StatusOr<Response> Call(Stub* stub, grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                              const Request& request);

// Turns a failed call into a status whose text an operator can use.
absl::Status FromGrpc(const grpc::Status& status);

// A context whose deadline is `seconds` from now; it names the operator for audit logs.
std::unique_ptr<grpc::ClientContext> NewCall(int seconds = 30);

// A fresh id for a mutation.
std::string NewRequestId();

// A secret from the terminal (not echoed; a new one is asked for twice), or the first line of standard input.
enum class Asked { kOnce, kTwice };
absl::StatusOr<std::string> ReadSecret(const std::string& prompt, bool from_stdin, Asked asked = Asked::kTwice);

// An account by address: its id, shard and the like.
struct AccountRef {
  std::string account_id;
  std::string address;
  std::string shard;
};
absl::StatusOr<AccountRef> FindAccount(Context& context, const std::string& address);

template <class Stub, class Request, class Response>
absl::StatusOr<Response> Call(Stub* stub, grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                              const Request& request) {
  Response response;
  const auto call = NewCall();
  const grpc::Status status = (stub->*method)(call.get(), request, &response);
  if (!status.ok()) return FromGrpc(status);
  return response;
}

}  // namespace mailmesh::cli

#endif  // MAILMESH_SERVICES_MAILMESH_CLI_CONTEXT_H_
