#include "common/service/run.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/base/file.h"
#include "common/net/pki.h"
#include "common/rpc/blocking_call.h"
#include "common/rpc/channel.h"
#include "mailmesh/control/v1/control_service.grpc.pb.h"
#include "tests/unit/common/service/process.h"

namespace mailmesh::service {
namespace {

namespace control = mailmesh::control::v1;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class RunTest : public ::testing::Test {
 protected:
  // The least configuration, with more lines appended. `common` is of two spaces' depth.
  std::string Config(const std::string& common = "", const std::string& more = "") const {
    const std::string path = folder_ / "config.yaml";
    const std::string text =
        absl::StrCat("common:\n  admin:\n    listen: 127.0.0.1:0\n  grpc:\n    listen: unix:", folder_.path(),
                     "/grpc.sock\n", common, "pop3:\n  listen: 127.0.0.1:0\n", more);
    EXPECT_TRUE(base::WriteFileAtomically(path, text).ok());
    return path;
  }
  std::unique_ptr<Process> Start(const std::string& config, std::map<std::string, std::string> environment = {},
                                 int inherit = -1) const {
    environment["MAILMESH_ENDPOINTS_FILE"] = endpoints_;
    return std::make_unique<Process>(ECHO_APP, std::vector<std::string>{"--config", config}, environment,
                                     folder_ / "log", inherit);
  }
  std::string Endpoint(const std::string& name) const { return WaitForEndpoint(endpoints_, name); }
  std::unique_ptr<control::ControlService::Stub> Control() const {
    rpc::ChannelOptions options;
    options.endpoint = "unix:" + folder_.path() + "/grpc.sock";
    options.role = "pop3_gateway";
    return control::ControlService::NewStub(*rpc::MakeChannel(options));
  }
  static rpc::CallContext Context() { return rpc::CallContext::Within(absl::Seconds(10)); }

  const TestFolder folder_;
  const std::string endpoints_ = folder_ / "endpoints";
};

TEST_F(RunTest, ServesAndDrainsOnSigterm) {
  const auto process = Start(Config());
  ASSERT_TRUE(process->LogHas("\"msg\":\"ready\"")) << process->Log();
  const std::string admin = Endpoint("admin");
  EXPECT_THAT(HttpGet(admin, "/livez"), StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(HttpGet(admin, "/readyz"), StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(HttpGet(admin, "/other"), StartsWith("HTTP/1.1 404 Not Found\r\n"));
  const Client client(Endpoint("pop3"));
  ASSERT_TRUE(client.Send("hello\n"));
  EXPECT_EQ(client.ReadLine(), "echo: hello\n");
  const std::string metrics = HttpGet(admin, "/metrics");
  for (const char* line :
       {"mailmesh_build_info{commit=", "process_cpu_seconds_total ", "mailmesh_ready 1\n", "mailmesh_draining 0\n",
        "mailmesh_panics_total 0\n", "mailmesh_listener_sessions{listener=\"pop3\"} 1\n",
        "mailmesh_listener_accepted_total{listener=\"pop3\"} 1\n",
        "mailmesh_threadpool_task_wait_seconds_count{pool=\"echo\"} 1\n",
        "mailmesh_log_messages_total{level=\"info\"}"}) {
    EXPECT_THAT(metrics, HasSubstr(line));
  }
  process->Signal(SIGTERM);
  EXPECT_EQ(client.ReadLine(), "bye\r\n");
  EXPECT_EQ(process->Wait(10), 0) << process->Log();
  for (const char* line : {"\"msg\":\"draining\"", "\"msg\":\"app drained\",\"done\":true", "\"msg\":\"app stopped\"",
                           "\"msg\":\"drained\"", "\"msg\":\"ended\",\"code\":0"}) {
    EXPECT_THAT(process->Log(), HasSubstr(line));
  }
}

// "schema": a database of schema 2 that is brought to 3; its step reads an account.
TEST_F(RunTest, TellsOfItsDatabaseAndFinalizesItsUpgrade) {
  const auto process = Start(Config("", "hostname: schema\n"));
  ASSERT_TRUE(process->LogHas("\"msg\":\"ready\"")) << process->Log();
  const std::string admin = Endpoint("admin");
  const auto stub = Control();
  const auto before = rpc::BlockingCall(stub.get(), &control::ControlService::Stub::GetInfo, control::GetInfoRequest(), Context());
  ASSERT_TRUE(before.ok()) << before.status();
  EXPECT_NE(before->commit(), "");
  EXPECT_EQ(before->schema().version(), 2u);
  EXPECT_EQ(before->schema().newest(), 3u);
  EXPECT_THAT(HttpGet(admin, "/metrics"), HasSubstr("mailmesh_database_schema_version 2\n"));
  const auto done = rpc::BlockingCall(stub.get(), &control::ControlService::Stub::FinalizeUpgrade, control::FinalizeUpgradeRequest(), Context());
  ASSERT_TRUE(done.ok()) << done.status();
  EXPECT_EQ(done->schema().version(), 3u);
  EXPECT_EQ(done->schema().step_left(), 1u);
  const std::string metrics = HttpGet(admin, "/metrics");
  for (const char* line : {"mailmesh_database_schema_version 3\n", "mailmesh_database_schema_newest 3\n",
                           "mailmesh_database_schema_step_accounts 1\n"}) {
    EXPECT_THAT(metrics, HasSubstr(line));
  }
}

TEST_F(RunTest, AProcessWithoutADatabaseHasNothingToFinalize) {
  const auto process = Start(Config());
  ASSERT_TRUE(process->LogHas("\"msg\":\"ready\"")) << process->Log();
  EXPECT_THAT(HttpGet(Endpoint("admin"), "/metrics"), ::testing::Not(HasSubstr("mailmesh_database_schema")));
  const auto stub = Control();
  const auto done = rpc::BlockingCall(stub.get(), &control::ControlService::Stub::FinalizeUpgrade, control::FinalizeUpgradeRequest(), Context());
  ASSERT_TRUE(done.ok()) << done.status();
  EXPECT_FALSE(done->has_schema());
}

TEST_F(RunTest, DrainDelayStillTakesSessionsAndReadyzFlipsAfterIt) {
  const auto process = Start(Config("  drain: {delay: 1s, window: 5s}\n", "hostname: stubborn\n"));
  ASSERT_TRUE(process->LogHas("\"msg\":\"ready\"")) << process->Log();
  const std::string admin = Endpoint("admin");
  const Client early(Endpoint("pop3"));
  ASSERT_TRUE(early.Send("a\n"));
  EXPECT_EQ(early.ReadLine(), "echo: a\n");
  process->Signal(SIGTERM);
  ASSERT_TRUE(process->LogHas("\"msg\":\"draining\""));
  EXPECT_THAT(HttpGet(admin, "/readyz"), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(HttpGet(admin, "/metrics"), HasSubstr("mailmesh_draining 1\n"));
  auto late = std::make_unique<Client>(Endpoint("pop3"));
  ASSERT_TRUE(late->Send("b\n"));
  EXPECT_EQ(late->ReadLine(), "echo: b\n");
  late.reset();
  std::string ready;
  for (int i = 0; i < 400 && ready.find("closing") == std::string::npos; ++i) {
    absl::SleepFor(absl::Milliseconds(10));
    ready = HttpGet(admin, "/readyz");
  }
  EXPECT_THAT(ready, StartsWith("HTTP/1.1 503"));
  EXPECT_THAT(ready, HasSubstr("closing"));
  EXPECT_THAT(HttpGet(admin, "/livez"), StartsWith("HTTP/1.1 200"));
  EXPECT_FALSE(Client(Endpoint("pop3")).connected());
  ASSERT_TRUE(early.Send("still here\n"));
  EXPECT_EQ(early.ReadLine(), "echo: still here\n");
  // The session never ends by itself: it is cut off when the window is over.
  EXPECT_EQ(process->Wait(15), 0) << process->Log();
  EXPECT_THAT(process->Log(), HasSubstr("\"finished\":0,\"told\":0,\"cut\":1"));
  EXPECT_THAT(process->Log(), HasSubstr("\"msg\":\"sessions are cut off\",\"sessions\":1"));
}

TEST_F(RunTest, SecondSignalEndsAtOnce) {
  const auto process = Start(Config("  drain: {window: 60s}\n", "hostname: stubborn\n"));
  ASSERT_TRUE(process->LogHas("\"msg\":\"ready\""));
  const Client client(Endpoint("pop3"));
  ASSERT_TRUE(client.Send("a\n"));
  EXPECT_EQ(client.ReadLine(), "echo: a\n");
  process->Signal(SIGINT);
  ASSERT_TRUE(process->LogHas("\"msg\":\"draining\""));
  process->Signal(SIGTERM);
  EXPECT_EQ(process->Wait(5), 1);
  EXPECT_THAT(process->Log(), HasSubstr("\"msg\":\"sessions are cut off\",\"sessions\":1"));
}

TEST_F(RunTest, ControlService) {
  const auto process = Start(Config("  peers:\n    directory: {endpoint: \"unix:/nowhere/at-all.sock\"}\n"));
  ASSERT_TRUE(process->LogHas("\"msg\":\"ready\"")) << process->Log();
  const auto stub = Control();
  control::GetInfoRequest info_request;
  const auto info = rpc::BlockingCall(stub.get(), &control::ControlService::Stub::GetInfo, info_request, Context());
  ASSERT_TRUE(info.ok()) << info.status();
  EXPECT_EQ(info->role(), "pop3_gateway");
  EXPECT_EQ(info->process_id(), process->pid());
  EXPECT_TRUE(info->ready());
  EXPECT_FALSE(info->draining());
  ASSERT_EQ(info->peers_size(), 1);
  EXPECT_EQ(info->peers(0).role(), "directory");
  EXPECT_FALSE(info->peers(0).reachable());

  const Client one(Endpoint("pop3")), two(Endpoint("pop3"));
  for (const Client* client : {&one, &two}) {
    ASSERT_TRUE(client->Send("x\n"));
    EXPECT_EQ(client->ReadLine(), "echo: x\n");
  }
  control::ListSessionsRequest list;
  list.set_page_size(1);
  const auto first = rpc::BlockingCall(stub.get(), &control::ControlService::Stub::ListSessions, list, Context());
  ASSERT_TRUE(first.ok()) << first.status();
  ASSERT_EQ(first->sessions_size(), 1);
  EXPECT_EQ(first->sessions(0).state(), "echoing");
  list.set_page_token(first->next_page_token());
  const auto second = rpc::BlockingCall(stub.get(), &control::ControlService::Stub::ListSessions, list, Context());
  ASSERT_EQ(second->sessions_size(), 1);
  EXPECT_EQ(second->next_page_token(), "");
  EXPECT_NE(second->sessions(0).session_id(), first->sessions(0).session_id());

  control::KickSessionRequest kick;
  for (const auto& page : {*first, *second}) {
    kick.set_session_id(page.sessions(0).session_id());
    EXPECT_TRUE(rpc::BlockingCall(stub.get(), &control::ControlService::Stub::KickSession, kick, Context()).ok());
  }
  EXPECT_EQ(one.ReadLine(), "bye\r\n");
  EXPECT_EQ(two.ReadLine(), "bye\r\n");
  kick.set_session_id("nobody");
  EXPECT_EQ(rpc::BlockingCall(stub.get(), &control::ControlService::Stub::KickSession, kick, Context()).status().code(),
            absl::StatusCode::kNotFound);

  control::SetLogLevelRequest level;
  EXPECT_EQ(
      rpc::BlockingCall(stub.get(), &control::ControlService::Stub::SetLogLevel, level, Context()).status().code(),
      absl::StatusCode::kInvalidArgument);
  level.set_level(control::LOG_LEVEL_DEBUG);
  EXPECT_TRUE(rpc::BlockingCall(stub.get(), &control::ControlService::Stub::SetLogLevel, level, Context()).ok());

  control::DrainRequest drain;
  EXPECT_TRUE(rpc::BlockingCall(stub.get(), &control::ControlService::Stub::Drain, drain, Context()).ok());
  EXPECT_EQ(process->Wait(10), 0) << process->Log();
  EXPECT_THAT(process->Log(), HasSubstr("\"msg\":\"log level set\""));
  EXPECT_THAT(process->Log(), HasSubstr("\"new_level\":\"debug\""));
}

TEST_F(RunTest, AnErrorThatIsFinalEndsTheProcess) {
  const auto process = Start(Config());
  const Client client(Endpoint("pop3"));
  ASSERT_TRUE(client.Send("exit\n"));
  EXPECT_EQ(process->Wait(10), 1);
  EXPECT_THAT(process->Log(), HasSubstr("\"msg\":\"the process cannot go on\",\"error\":\"DATA_LOSS: disk is gone\""));
}

TEST_F(RunTest, ReadyzNamesTheCheckThatFails) {
  const auto process = Start(Config("", "hostname: unready\n"));
  ASSERT_TRUE(process->LogHas("\"msg\":\"ready\""));
  const std::string reply = HttpGet(Endpoint("admin"), "/readyz");
  EXPECT_THAT(reply, StartsWith("HTTP/1.1 503 Service Unavailable\r\n"));
  EXPECT_THAT(reply, HasSubstr("database: not open\n"));
  EXPECT_THAT(HttpGet(Endpoint("admin"), "/metrics"), HasSubstr("mailmesh_ready 0\n"));
  process->Signal(SIGTERM);
  EXPECT_EQ(process->Wait(10), 0) << process->Log();
}

TEST_F(RunTest, ATakenPortIsSaid) {
  const auto first = Start(Config());
  const std::string admin = Endpoint("admin");
  const std::string pop3 = Endpoint("pop3");
  for (const auto& [key, address] : {std::pair("admin", admin), std::pair("pop3", pop3)}) {
    const std::string text =
        std::string(key) == "admin"
            ? absl::StrCat("common: {admin: {listen: \"", address, "\"}}\npop3: {listen: \"127.0.0.1:0\"}\n")
            : absl::StrCat("common: {admin: {listen: \"\"}}\npop3: {listen: \"", address, "\"}\n");
    ASSERT_TRUE(base::WriteFileAtomically(folder_ / "second.yaml", text).ok());
    Process second(ECHO_APP, {"--config", folder_ / "second.yaml"}, {}, folder_ / "log2");
    EXPECT_EQ(second.Wait(10), 1);
    EXPECT_THAT(second.Log(), HasSubstr("Address already in use"));
    EXPECT_THAT(second.Log(), HasSubstr(address));
  }
}

TEST_F(RunTest, FailureToCreateIsSaid) {
  const auto process = Start(Config("", "hostname: fail.create\n"));
  EXPECT_EQ(process->Wait(10), 1);
  EXPECT_THAT(process->Log(), HasSubstr("\"msg\":\"cannot start\",\"error\":\"FAILED_PRECONDITION: asked to fail\""));
}

// A listener's socket as a supervisor hands it down: bound here, number 3 there.
int BoundSocket(std::string& address) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in any{};
  any.sin_family = AF_INET;
  any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(any);
  if (bind(fd, reinterpret_cast<sockaddr*>(&any), size) != 0 || listen(fd, 16) != 0) return -1;
  getsockname(fd, reinterpret_cast<sockaddr*>(&any), &size);
  address = absl::StrCat("127.0.0.1:", ntohs(any.sin_port));
  // dup2 to the same number would keep close-on-exec.
  const int high = fcntl(fd, F_DUPFD_CLOEXEC, 10);
  close(fd);
  return high;
}

TEST_F(RunTest, AnInheritedPortOutlivesTheProcess) {
  std::string address;
  const int fd = BoundSocket(address);
  ASSERT_GE(fd, 0);
  const std::map<std::string, std::string> environment = {{"LISTEN_FDS", "1"}, {"LISTEN_FDNAMES", "pop3"}};
  for (int run = 0; run < 2; ++run) {
    // While nobody serves, callers wait; nobody is refused.
    const Client waiting(address);
    ASSERT_TRUE(waiting.connected());
    ASSERT_TRUE(waiting.Send("early\n"));
    std::remove(endpoints_.c_str());
    const auto process = Start(Config(), environment, fd);
    EXPECT_EQ(waiting.ReadLine(), "echo: early\n") << process->Log();
    EXPECT_EQ(Endpoint("pop3"), address);
    process->Signal(SIGTERM);
    EXPECT_EQ(waiting.ReadLine(), "bye\r\n");
    EXPECT_EQ(process->Wait(10), 0) << process->Log();
  }
  close(fd);
}

TEST_F(RunTest, CertificatesReloadOnSighupAndTheirExpiryShows) {
  const auto authority = net::CertificateAuthority::Create("test");
  ASSERT_TRUE(authority.ok());
  const auto issue = [&](absl::Duration validity) {
    net::LeafRequest request;
    request.dns_names = {"localhost"};
    request.validity = validity;
    const auto pem = authority->Issue(request);
    ASSERT_TRUE(pem.ok());
    ASSERT_TRUE(net::SavePemPair(*pem, folder_ / "cert.pem", folder_ / "key.pem").ok());
  };
  issue(absl::Hours(24));
  const auto process = Start(Config("", absl::StrCat("tls:\n  certificates:\n    - {certificate: ", folder_.path(),
                                                     "/cert.pem, private_key: ", folder_.path(), "/key.pem}\n")));
  ASSERT_TRUE(process->LogHas("\"msg\":\"ready\"")) << process->Log();
  const auto expiry = [&] {
    const std::string metrics = HttpGet(Endpoint("admin"), "/metrics");
    const std::string name = "mailmesh_tls_certificate_expiry_timestamp_seconds{name=\"pop3s\"} ";
    const size_t at = metrics.find(name);
    return at == std::string::npos ? 0.0 : std::strtod(metrics.c_str() + at + name.size(), nullptr);
  };
  const double before = expiry();
  EXPECT_NEAR(before, absl::ToDoubleSeconds(absl::Now() - absl::UnixEpoch()) + 86400, 3600);
  issue(absl::Hours(48));
  process->Signal(SIGHUP);
  ASSERT_TRUE(process->LogHas("certificates reloaded")) << process->Log();
  EXPECT_NEAR(expiry() - before, 86400, 60);
  ASSERT_TRUE(base::WriteFileAtomically(folder_ / "cert.pem", "rubbish", 0644).ok());
  process->Signal(SIGHUP);
  ASSERT_TRUE(process->LogHas("certificates not reloaded")) << process->Log();
  EXPECT_NEAR(expiry() - before, 86400, 60);
  EXPECT_THAT(HttpGet(Endpoint("admin"), "/metrics"), HasSubstr("mailmesh_tls_reloads_total{result=\"failed\"} 1\n"));
  process->Signal(SIGTERM);
  EXPECT_EQ(process->Wait(10), 0) << process->Log();
}

class FlagsTest : public RunTest {
 protected:
  std::pair<int, std::string> RunWith(std::vector<std::string> arguments) const {
    Process process(ECHO_APP, std::move(arguments), {}, folder_ / "log");
    const int code = process.Wait(10);
    return {code, process.Log()};
  }
};

TEST_F(FlagsTest, HelpVersionAndMistakes) {
  const auto [help_code, help] = RunWith({"--help"});
  EXPECT_EQ(help_code, 0);
  EXPECT_THAT(help, HasSubstr("--check-config"));
  const auto [version_code, version] = RunWith({"--version"});
  EXPECT_EQ(version_code, 0);
  EXPECT_THAT(version, StartsWith("mailmesh pop3_gateway 0."));
  EXPECT_EQ(RunWith({}).first, 2);
  EXPECT_EQ(RunWith({"--config", folder_ / "none.yaml"}).first, 2);
  EXPECT_EQ(RunWith({"--nonsense"}).first, 2);
}

TEST_F(FlagsTest, CheckConfigSaysEverything) {
  EXPECT_EQ(RunWith({"--config", Config(), "--check-config"}).first, 0);
  const std::string bad = Config("  log: {level: loud}\n  lgo: {}\n", "hostname: bad.check\nlogin_timeout: 5\n");
  const auto [code, text] = RunWith({"--config", bad, "--check-config"});
  EXPECT_EQ(code, 2);
  EXPECT_THAT(text, HasSubstr(bad + ":7:3: common.lgo: is an unknown field; did you mean log?"));
  EXPECT_THAT(text, HasSubstr("login_timeout: \"5\" is not a duration"));
  const auto [second_code, second] =
      RunWith({"--config", Config("  log: {level: loud}\n", "hostname: bad.check\n"), "--check-config"});
  EXPECT_EQ(second_code, 2);
  EXPECT_THAT(second, HasSubstr("common.log.level: must be debug, info, warning, error or off"));
  EXPECT_THAT(second, HasSubstr("hostname: is bad"));
}

TEST_F(FlagsTest, TcpWithoutCertificatesIsAMistake) {
  const std::string path = folder_ / "tcp.yaml";
  ASSERT_TRUE(base::WriteFileAtomically(path, "common: {grpc: {listen: \"127.0.0.1:0\"}}\n").ok());
  const auto [code, text] = RunWith({"--config", path, "--check-config"});
  EXPECT_EQ(code, 2);
  EXPECT_THAT(text, HasSubstr("common.grpc.tls: is required where common.grpc.listen is host:port"));
}

TEST_F(FlagsTest, PrintConfigCanBeLoadedAgain) {
  const auto [code, text] = RunWith({"--config", Config(), "--print-config"});
  EXPECT_EQ(code, 0);
  EXPECT_THAT(text, HasSubstr("idle_timeout: 10m\n"));
  ASSERT_TRUE(base::WriteFileAtomically(folder_ / "again.yaml", text).ok());
  EXPECT_EQ(RunWith({"--config", folder_ / "again.yaml", "--check-config"}).first, 0);
}

}  // namespace
}  // namespace mailmesh::service
