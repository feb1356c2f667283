#include "common/service/control_service.h"

#include <unistd.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "common/base/status.h"
#include "common/rpc/server_call.h"
#include "common/telemetry/log.h"
#include "common/telemetry/version.h"
#include "mailmesh/control/v1/control_service.grpc.pb.h"

namespace mailmesh::service {
namespace {

namespace pb = control::v1;

constexpr int kDefaultPage = 100;
constexpr int kMaxPage = 1000;
constexpr absl::Duration kPeerPatience = absl::Milliseconds(500);

std::optional<telemetry::Level> FromProto(pb::LogLevel level) {
  switch (level) {
    case pb::LOG_LEVEL_DEBUG:
      return telemetry::Level::kDebug;
    case pb::LOG_LEVEL_INFO:
      return telemetry::Level::kInfo;
    case pb::LOG_LEVEL_WARNING:
      return telemetry::Level::kWarning;
    case pb::LOG_LEVEL_ERROR:
      return telemetry::Level::kError;
    default:
      return std::nullopt;
  }
}

pb::LogLevel ToProto(telemetry::Level level) {
  switch (level) {
    case telemetry::Level::kDebug:
      return pb::LOG_LEVEL_DEBUG;
    case telemetry::Level::kInfo:
      return pb::LOG_LEVEL_INFO;
    case telemetry::Level::kWarning:
      return pb::LOG_LEVEL_WARNING;
    case telemetry::Level::kError:
      return pb::LOG_LEVEL_ERROR;
    case telemetry::Level::kOff:
      return pb::LOG_LEVEL_UNSPECIFIED;
  }
  return pb::LOG_LEVEL_UNSPECIFIED;
}

class ControlService final : public pb::ControlService::CallbackService {
 public:
  explicit ControlService(ControlDependencies dependencies) : of_(std::move(dependencies)) {}

  grpc::ServerUnaryReactor* GetInfo(grpc::CallbackServerContext* context, const pb::GetInfoRequest* request,
                                    pb::GetInfoResponse* response) override {
    return rpc::HandleUnaryOnPool(context, of_.pool, request, response, this, &ControlService::DoGetInfo);
  }
  grpc::ServerUnaryReactor* Drain(grpc::CallbackServerContext* context, const pb::DrainRequest* request,
                                  pb::DrainResponse* response) override {
    return rpc::HandleUnaryOnPool(context, of_.pool, request, response, this, &ControlService::DoDrain);
  }
  grpc::ServerUnaryReactor* ListSessions(grpc::CallbackServerContext* context, const pb::ListSessionsRequest* request,
                                         pb::ListSessionsResponse* response) override {
    return rpc::HandleUnaryOnPool(context, of_.pool, request, response, this, &ControlService::DoListSessions);
  }
  grpc::ServerUnaryReactor* KickSession(grpc::CallbackServerContext* context, const pb::KickSessionRequest* request,
                                        pb::KickSessionResponse* response) override {
    return rpc::HandleUnaryOnPool(context, of_.pool, request, response, this, &ControlService::DoKickSession);
  }
  grpc::ServerUnaryReactor* GetConfig(grpc::CallbackServerContext* context, const pb::GetConfigRequest*,
                                      pb::GetConfigResponse* response) override {
    response->set_yaml(of_.config);
    return rpc::AnswerUnary(context, absl::OkStatus());
  }
  grpc::ServerUnaryReactor* SetLogLevel(grpc::CallbackServerContext* context, const pb::SetLogLevelRequest* request,
                                        pb::SetLogLevelResponse* response) override {
    return rpc::HandleUnaryOnPool(context, of_.pool, request, response, this, &ControlService::DoSetLogLevel);
  }
  grpc::ServerUnaryReactor* FinalizeUpgrade(grpc::CallbackServerContext* context, const pb::FinalizeUpgradeRequest* request,
                                            pb::FinalizeUpgradeResponse* response) override {
    return rpc::HandleUnaryOnPool(context, of_.pool, request, response, this, &ControlService::DoFinalizeUpgrade);
  }

 private:
  absl::Status DoGetInfo(const rpc::CallInfo&, const pb::GetInfoRequest&, pb::GetInfoResponse& response) {
    response.set_role(of_.role);
    response.set_version(std::string(telemetry::Version()));
    response.set_start_seconds(absl::ToUnixSeconds(of_.lifecycle.start()));
    for (std::string& problem : of_.lifecycle.Problems()) response.add_problems(std::move(problem));
    response.set_ready(response.problems().empty());
    response.set_draining(of_.lifecycle.draining());
    for (Peers::State& state : of_.peers.States(kPeerPatience)) {
      pb::PeerState& peer = *response.add_peers();
      peer.set_role(std::move(state.role));
      peer.set_endpoint(std::move(state.endpoint));
      peer.set_reachable(state.reachable);
    }
    response.set_sessions(of_.sessions.size());
    response.set_process_id(getpid());
    response.set_log_level(ToProto(telemetry::GetLogLevel()));
    response.set_commit(std::string(telemetry::Commit()));
    FillSchema(response);
    return absl::OkStatus();
  }

  absl::Status DoDrain(const rpc::CallInfo& info, const pb::DrainRequest&, pb::DrainResponse&) {
    telemetry::Info("drain asked for by an operator", {info.trace});
    of_.lifecycle.RequestEnd();
    return absl::OkStatus();
  }

  absl::Status DoListSessions(const rpc::CallInfo&, const pb::ListSessionsRequest& request,
                              pb::ListSessionsResponse& response) {
    if (request.page_size() < 0) return absl::InvalidArgumentError("page_size is negative");
    const int size = request.page_size() == 0 ? kDefaultPage : std::min(request.page_size(), kMaxPage);
    std::vector<SessionFacts> sessions = of_.sessions.List(request.page_token(), static_cast<size_t>(size) + 1);
    const bool more = sessions.size() > static_cast<size_t>(size);
    if (more) sessions.pop_back();
    for (SessionFacts& facts : sessions) {
      pb::Session& session = *response.add_sessions();
      session.set_session_id(std::move(facts.session_id));
      session.set_protocol(std::move(facts.protocol));
      session.set_peer_address(std::move(facts.peer_address));
      session.set_account(std::move(facts.account));
      session.set_state(std::move(facts.state));
      session.set_start_seconds(absl::ToUnixSeconds(facts.start));
      session.set_tls(facts.tls);
    }
    if (more) response.set_next_page_token(response.sessions(size - 1).session_id());
    return absl::OkStatus();
  }

  absl::Status DoKickSession(const rpc::CallInfo& info, const pb::KickSessionRequest& request, pb::KickSessionResponse&) {
    telemetry::Info("session ended by an operator", {info.trace, {"session_id", request.session_id()}});
    return of_.sessions.KickOne(request.session_id());
  }

  absl::Status DoSetLogLevel(const rpc::CallInfo& info, const pb::SetLogLevelRequest& request, pb::SetLogLevelResponse&) {
    const std::optional<telemetry::Level> level = FromProto(request.level());
    if (!level) return absl::InvalidArgumentError("level is not one of debug, info, warning, error");
    telemetry::SetLogLevel(*level);
    telemetry::Info("log level set", {info.trace, {"new_level", telemetry::LevelName(*level)}});
    return absl::OkStatus();
  }

  absl::Status DoFinalizeUpgrade(const rpc::CallInfo& info, const pb::FinalizeUpgradeRequest&,
                                 pb::FinalizeUpgradeResponse& response) {
    telemetry::Info("upgrade finalized by an operator", {info.trace});
    RETURN_IF_ERROR(of_.schema.Finalize());
    FillSchema(response);
    return absl::OkStatus();
  }

  template <class Response>
  void FillSchema(Response& response) const {
    const std::optional<DatabaseSchema> schema = of_.schema.Get();
    if (!schema) return;
    response.mutable_schema()->set_version(schema->version);
    response.mutable_schema()->set_newest(schema->newest);
    response.mutable_schema()->set_step_left(schema->step_left);
  }

  const ControlDependencies of_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeControlService(ControlDependencies dependencies) {
  return std::make_unique<ControlService>(std::move(dependencies));
}

}  // namespace mailmesh::service
