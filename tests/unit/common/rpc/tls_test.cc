#include "common/rpc/tls.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <gtest/gtest.h>

#include <fstream>

#include "common/rpc/access_table.h"
#include "common/rpc/client_call.h"
#include "common/rpc/client_stream.h"
#include "echo_service.h"
#include "test_pki.h"

#ifdef __SANITIZE_ADDRESS__
// c-ares keeps what gRPC's resolver gave it until gRPC shuts down, which it never does (common/rpc/grpc_process.h).
extern "C" const char* __lsan_default_suppressions() { return "leak:libcares"; }
#endif

namespace mailmesh::rpc {
namespace {

class TlsTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    AllowForTest("mailmesh.rpctest.v1.EchoService/Echo");
    AllowForTest("mailmesh.rpctest.v1.EchoService/Count");
  }
  ~TlsTest() override {
    if (server_ != nullptr) {
      server_->Shutdown(absl::Now());
    }
  }

  void StartServer(TlsFiles files) {
    ServerOptions options;
    options.endpoint = "127.0.0.1:0";
    options.tls = std::move(files);
    server_ = Server::Start(options, {&service_}).value();
    server_->SetServing(true);
  }
  std::string Folder(const std::string& name) { return folder_.path() + "/" + name; }

  absl::StatusOr<std::shared_ptr<grpc::Channel>> Connect(TlsFiles files, const std::string& role = "directory",
                                                         const std::string& endpoint = "") {
    ChannelOptions options;
    options.endpoint = endpoint.empty() ? server_->endpoint() : endpoint;
    options.role = role;
    options.tls = std::move(files);
    return MakeChannel(options);
  }

  absl::Status Call(const std::shared_ptr<grpc::Channel>& channel) {
    std::unique_ptr<EchoStub> stub = rpctest::v1::EchoService::NewStub(channel);
    EchoRequest request;
    request.set_text("hello");
    return io_.Run(UnaryCall(stub->async(), &EchoAsync::Echo, request, CallContext::Within(absl::Seconds(10))))
        .status();
  }

  Pki pki_;
  TempFolder folder_;
  IoThread io_;
  base::WorkerPool pool_{base::WorkerPool::Options{.name = "test"}};
  EchoServiceImpl service_{io_.io().get_executor(), pool_};
  std::unique_ptr<Server> server_;
};

TEST_F(TlsTest, RolesMeet) {
  StartServer(pki_.Issue(Folder("server"), {RoleUri("directory")}));
  EXPECT_NE(server_->endpoint(), "127.0.0.1:0");
  EXPECT_TRUE(Call(Connect(pki_.Issue(Folder("client"), {RoleUri("imap_gateway")})).value()).ok());
}

TEST_F(TlsTest, AMethodThatIsNotOfTheRoleIsDenied) {
  StartServer(pki_.Issue(Folder("server"), {RoleUri("directory")}));
  auto channel = Connect(pki_.Issue(Folder("client"), {RoleUri("imap_gateway")})).value();
  std::unique_ptr<EchoStub> stub = rpctest::v1::EchoService::NewStub(channel);
  CallContext context = CallContext::Within(absl::Seconds(10));
  EchoRequest request;
  absl::Status denied = io_.Run(UnaryCall(stub->async(), &EchoAsync::EchoOnPool, request, context)).status();
  EXPECT_EQ(denied.code(), absl::StatusCode::kPermissionDenied) << denied;
  auto stream = ClientStream<SumRequest, SumResponse>::Start(stub->async(), &EchoAsync::Sum, context);
  EXPECT_EQ(io_.Run(stream.Finish()).status().code(), absl::StatusCode::kPermissionDenied);
}

TEST_F(TlsTest, ACertificateOfNoRoleIsDenied) {
  StartServer(pki_.Issue(Folder("server"), {RoleUri("directory")}));
  TlsFiles files = pki_.Issue(Folder("client"), {"https://example.com/role/operator"});
  EXPECT_EQ(CheckTlsFiles(files).code(), absl::StatusCode::kFailedPrecondition);
  // Past our own check, as somebody else's program would be.
  grpc::SslCredentialsOptions options;
  auto read = [](const std::string& path) {
    std::ifstream file(path);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  options.pem_root_certs = read(files.authority);
  options.pem_private_key = read(files.private_key);
  options.pem_cert_chain = read(files.certificate);
  grpc::ChannelArguments arguments;
  arguments.SetSslTargetNameOverride("localhost");
  auto channel = grpc::CreateCustomChannel(server_->endpoint(), grpc::SslCredentials(options), arguments);
  EXPECT_EQ(Call(channel).code(), absl::StatusCode::kPermissionDenied);
  // And with no certificate at all.
  options.pem_private_key.clear();
  options.pem_cert_chain.clear();
  auto nobody = grpc::CreateCustomChannel(server_->endpoint(), grpc::SslCredentials(options), arguments);
  EXPECT_EQ(Call(nobody).code(), absl::StatusCode::kUnavailable);
  auto plain = grpc::CreateChannel(server_->endpoint(), grpc::InsecureChannelCredentials());
  EXPECT_EQ(Call(plain).code(), absl::StatusCode::kUnavailable);
}

TEST_F(TlsTest, AnotherAuthorityIsRefused) {
  StartServer(pki_.Issue(Folder("server"), {RoleUri("directory")}));
  Pki other;
  TlsFiles theirs = other.Issue(Folder("client"), {RoleUri("operator")});
  EXPECT_EQ(Call(Connect(theirs).value()).code(), absl::StatusCode::kUnavailable);
  // A client that trusts our authority, but is not of it.
  theirs.authority = Folder("server") + "/ca.crt";
  EXPECT_EQ(Call(Connect(theirs).value()).code(), absl::StatusCode::kUnavailable);
}

TEST_F(TlsTest, AServerOfAnotherRoleIsNotTalkedTo) {
  StartServer(pki_.Issue(Folder("server"), {RoleUri("fetcher")}));
  EXPECT_EQ(Call(Connect(pki_.Issue(Folder("client"), {RoleUri("imap_gateway")})).value()).code(),
            absl::StatusCode::kUnavailable);
}

TEST_F(TlsTest, BadFilesAreFoundAtStart) {
  TlsFiles files = pki_.Issue(Folder("a"), {RoleUri("directory")});
  TlsFiles other = pki_.Issue(Folder("b"), {RoleUri("directory")});
  EXPECT_TRUE(CheckTlsFiles(files).ok());
  EXPECT_EQ(RolesOfCertificate(files.certificate).value(), std::vector<std::string>{"directory"});
  TlsFiles mismatched = files;
  mismatched.private_key = other.private_key;
  TlsFiles missing = files;
  missing.authority = Folder("nothing");
  TlsFiles expired = pki_.Issue(Folder("c"), {RoleUri("directory")}, absl::Seconds(1));
  EXPECT_TRUE(Eventually([&] { return !CheckTlsFiles(expired).ok(); }));
  for (const TlsFiles& bad : {mismatched, missing, expired}) {
    EXPECT_EQ(CheckTlsFiles(bad).code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_FALSE(Connect(bad, "directory", "127.0.0.1:1").ok());
  }
}

TEST_F(TlsTest, RoundRobinAsksForHealth) {
  StartServer(pki_.Issue(Folder("server"), {RoleUri("directory")}));
  std::string port = server_->endpoint().substr(server_->endpoint().rfind(':'));
  auto channel =
      Connect(pki_.Issue(Folder("client"), {RoleUri("imap_gateway")}), "directory", "dns:///127.0.0.1" + port).value();
  EXPECT_TRUE(Eventually([&] { return Call(channel).ok(); }));
  server_->SetServing(false);
  EXPECT_TRUE(Eventually([&] { return Call(channel).code() == absl::StatusCode::kUnavailable; }));
  server_->SetServing(true);
  EXPECT_TRUE(Eventually([&] { return Call(channel).ok(); }));
  // The client's health watch does not hold the shutdown up.
  absl::Time begin = absl::Now();
  server_->Shutdown(absl::Now() + absl::Seconds(20));
  EXPECT_LT(absl::Now() - begin, absl::Seconds(5));
}

TEST_F(TlsTest, CertificatesAreRenewedUnderCalls) {
  pki_.Issue(Folder("server-1"), {RoleUri("directory")});
  std::filesystem::create_directory_symlink("server-1", Folder("server"));
  StartServer({Folder("server") + "/tls.crt", Folder("server") + "/tls.key", Folder("server") + "/ca.crt"});
  TlsFiles client = pki_.Issue(Folder("client"), {RoleUri("imap_gateway")});
  int failed = 0;
  auto call_for = [&](absl::Duration time) {
    for (absl::Time end = absl::Now() + time; absl::Now() < end;) {
      // A channel of its own for each call: each makes a handshake.
      failed += Call(Connect(client).value()).ok() ? 0 : 1;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  };
  call_for(absl::Milliseconds(300));
  pki_.Issue(Folder("server-2"), {RoleUri("directory")});
  std::filesystem::create_directory_symlink("server-2", Folder("new"));
  std::filesystem::rename(Folder("new"), Folder("server"));
  call_for(absl::Milliseconds(2500));
  EXPECT_EQ(failed, 0);
  // A new authority counts too: the old client is refused.
  Pki next;
  next.Issue(Folder("server-3"), {RoleUri("directory")});
  std::filesystem::create_directory_symlink("server-3", Folder("new"));
  std::filesystem::rename(Folder("new"), Folder("server"));
  EXPECT_TRUE(Eventually([&] { return !Call(Connect(client).value()).ok(); }));
  EXPECT_TRUE(Eventually([&] { return Call(Connect(next.Issue(Folder("next"), {RoleUri("pop3_gateway")})).value()).ok(); }));
}

}  // namespace
}  // namespace mailmesh::rpc
