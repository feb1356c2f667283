// STARTTLS, names, renewal and verification.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "common/net/buffered_reader.h"
#include "common/net/spawn.h"
#include "tests/unit/common/net/net_test_util.h"

namespace mailmesh::net {
namespace {

struct Seen {
  absl::Status handshake;
  TlsInfo info;
  std::string binding;
};

class TlsTest : public testing::Test {
 protected:
  TlsTest() : pool_(1) { pool_.Start(); }
  Executor executor() { return pool_.at(0).get_executor(); }
  std::unique_ptr<Listener> Start(std::shared_ptr<TlsServerContext> context);
  absl::StatusOr<Stream> Connect(const Listener& listener, TlsPeer peer) {
    return RunTask(executor(), DialTls(listener.endpoint(), pki_.Client(), std::move(peer)));
  }
  // The names of the certificate that a client is shown.
  std::vector<std::string> NamesFor(const Listener& listener, const std::string& name) {
    absl::StatusOr<Stream> stream = Connect(listener, TlsPeer{name, TlsVerify::kOpportunistic});
    EXPECT_TRUE(stream.ok()) << stream.status();
    std::vector<std::string> names = stream->tls_info().peer_names;
    RunTask(executor(), CloseOn(*std::move(stream)));
    return names;
  }

  TestPki pki_;
  IoPool pool_;
  std::promise<Seen> seen_;
};

// Says what it saw on the line itself, and goes on until the client leaves.
Awaitable<void> ServeTls(Stream stream, std::shared_ptr<TlsServerContext> context, std::promise<Seen>* seen) {
  stream.ExpiresAfter(seconds(10));
  Seen what;
  what.handshake = co_await stream.StartTlsServer(context);
  if (what.handshake.ok()) {
    what.info = stream.tls_info();
    what.binding = stream.ExportKeyingMaterial("EXPORTER-Channel-Binding", 32).value_or("");
  }
  if (seen != nullptr) seen->set_value(what);
  if (!what.handshake.ok()) co_return;
  (void)co_await stream.Write("hello");
  (void)co_await ReadAll(stream);
}

std::unique_ptr<Listener> TlsTest::Start(std::shared_ptr<TlsServerContext> context) {
  return Listen(pool_, [context](Stream stream) { return ServeTls(std::move(stream), context, nullptr); });
}

TEST_F(TlsTest, BothSidesSeeTheSame) {
  auto context = pki_.Server({pki_.Issue("mail.test", "a")});
  auto listener = Listen(pool_, [&](Stream stream) { return ServeTls(std::move(stream), context, &seen_); });
  absl::StatusOr<Stream> stream = Connect(*listener, TlsPeer{"mail.test"});
  ASSERT_TRUE(stream.ok()) << stream.status();
  Seen seen = seen_.get_future().get();
  const TlsInfo& info = stream->tls_info();
  EXPECT_EQ(info.version, "TLSv1.3");
  EXPECT_EQ(info.cipher, seen.info.cipher);
  EXPECT_TRUE(info.verified);
  EXPECT_THAT(info.peer_names, testing::ElementsAre("mail.test", "127.0.0.1"));
  EXPECT_EQ(seen.info.sni, "mail.test");
  EXPECT_FALSE(seen.info.verified) << "the client showed no certificate";
  // RFC 9266: both ends derive the same binding.
  EXPECT_EQ(seen.binding.size(), 32u);
  EXPECT_EQ(*stream->ExportKeyingMaterial("EXPORTER-Channel-Binding", 32), seen.binding);
  RunTask(executor(), CloseOn(*std::move(stream)));
}

TEST_F(TlsTest, VerificationFailsForWrongNameAndWrongAuthority) {
  auto listener = Start(pki_.Server({pki_.Issue("mail.test", "a")}));
  absl::StatusOr<Stream> wrong = Connect(*listener, TlsPeer{"other.test"});
  EXPECT_TRUE(absl::IsUnauthenticated(wrong.status())) << wrong.status();
  absl::StatusOr<Stream> by_ip = Connect(*listener, TlsPeer{"127.0.0.1"});
  EXPECT_TRUE(by_ip.ok()) << by_ip.status();
  RunTask(executor(), CloseOn(*std::move(by_ip)));
  EXPECT_TRUE(absl::IsUnauthenticated(Connect(*listener, TlsPeer{"127.0.0.2"}).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(Connect(*listener, TlsPeer{""}).status())) << "verified against nothing";

  TestPki stranger;
  absl::StatusOr<Stream> untrusted =
      RunTask(executor(), DialTls(listener->endpoint(), stranger.Client(), TlsPeer{"mail.test"}));
  EXPECT_TRUE(absl::IsUnauthenticated(untrusted.status())) << untrusted.status();
  absl::StatusOr<Stream> opportunistic = RunTask(
      executor(), DialTls(listener->endpoint(), stranger.Client(), TlsPeer{"mail.test", TlsVerify::kOpportunistic}));
  ASSERT_TRUE(opportunistic.ok()) << opportunistic.status();
  EXPECT_FALSE(opportunistic->tls_info().verified);
  EXPECT_NE(opportunistic->tls_info().verify_error, "");
  RunTask(executor(), CloseOn(*std::move(opportunistic)));

  // Encrypted anyway, and verified though nobody insisted.
  absl::StatusOr<Stream> lucky = Connect(*listener, TlsPeer{"mail.test", TlsVerify::kOpportunistic});
  ASSERT_TRUE(lucky.ok());
  EXPECT_TRUE(lucky->tls_info().verified);
  RunTask(executor(), CloseOn(*std::move(lucky)));
}

TEST_F(TlsTest, ExpiredCertificateIsRefused) {
  LeafRequest request;
  request.dns_names = {"mail.test"};
  request.validity = absl::Seconds(1);
  request.backdate = absl::Hours(1);
  TlsKeyPairFiles files{pki_.folder() / "old.pem", pki_.folder() / "old.key"};
  ASSERT_TRUE(SavePemPair(pki_.authority().Issue(request).value(), files.certificate_file, files.key_file).ok());
  auto listener = Start(pki_.Server({files}));
  std::this_thread::sleep_for(milliseconds(2100));
  EXPECT_TRUE(absl::IsUnauthenticated(Connect(*listener, TlsPeer{"mail.test"}).status()));
}

TEST_F(TlsTest, NameChoosesTheCertificate) {
  auto listener =
      Start(pki_.Server({pki_.Issue("one.test", "1"), pki_.Issue("two.test", "2"), pki_.Issue("*.many.test", "3")}));
  EXPECT_EQ(NamesFor(*listener, "one.test").front(), "one.test");
  EXPECT_EQ(NamesFor(*listener, "TWO.test").front(), "two.test");
  EXPECT_EQ(NamesFor(*listener, "x.many.test").front(), "*.many.test");
  EXPECT_EQ(NamesFor(*listener, "x.y.many.test").front(), "one.test") << "a wildcard is one label";
  EXPECT_EQ(NamesFor(*listener, "unknown.test").front(), "one.test");
  EXPECT_EQ(NamesFor(*listener, "127.0.0.1").front(), "one.test") << "no name sent";
}

TEST_F(TlsTest, RenewsByRename) {
  auto files = pki_.Issue("before.test", "a");
  auto context = pki_.Server({files});
  auto listener = Start(context);
  absl::StatusOr<Stream> old = Connect(*listener, TlsPeer{"before.test"});
  ASSERT_TRUE(old.ok());
  EXPECT_EQ(*context->ReloadIfChanged(), false);
  pki_.Issue("after.test", "a");  // written beside it and renamed
  EXPECT_EQ(*context->ReloadIfChanged(), true);
  EXPECT_EQ(NamesFor(*listener, "x").front(), "after.test");
  // The old connection lives on.
  absl::StatusOr<std::string> hello = RunTask(executor(), ReadN(*old, 5));
  EXPECT_EQ(*hello, "hello");
  RunTask(executor(), CloseOn(*std::move(old)));
}

TEST_F(TlsTest, RenewsByExchangedLink) {
  namespace fs = std::filesystem;
  auto make = [&](const std::string& name, const std::string& dns) {
    auto files = pki_.Issue(dns, name);
    fs::create_directory(pki_.folder() / ("v-" + name));
    fs::rename(files.certificate_file, pki_.folder() / ("v-" + name + "/tls.crt"));
    fs::rename(files.key_file, pki_.folder() / ("v-" + name + "/tls.key"));
  };
  make("1", "before.test");
  make("2", "after.test");
  fs::create_directory_symlink("v-1", pki_.folder() / "data");
  auto context = pki_.Server({{pki_.folder() / "data/tls.crt", pki_.folder() / "data/tls.key"}});
  auto listener = Start(context);
  std::atomic<int> reloads{0};
  Spawn(executor(),
        TlsServerContext::WatchFiles(context, milliseconds(10), [&](const absl::Status& s) { reloads += s.ok(); }),
        "watch");
  EXPECT_EQ(NamesFor(*listener, "x").front(), "before.test");
  fs::create_directory_symlink("v-2", pki_.folder() / "data.new");
  fs::rename(pki_.folder() / "data.new", pki_.folder() / "data");
  for (int i = 0; i < 500 && reloads == 0; ++i) std::this_thread::sleep_for(milliseconds(10));
  EXPECT_EQ(reloads, 1);
  EXPECT_EQ(NamesFor(*listener, "x").front(), "after.test");
}

TEST_F(TlsTest, KeepsTheOldPairOnError) {
  auto files = pki_.Issue("before.test", "a");
  auto context = pki_.Server({files});
  auto listener = Start(context);
  const absl::Time expiry = context->expiry();
  EXPECT_GT(expiry, absl::Now() + absl::Hours(24 * 300));
  auto other = pki_.Issue("after.test", "b");
  std::filesystem::rename(other.certificate_file, files.certificate_file);  // the key is not its
  EXPECT_FALSE(context->ReloadIfChanged().ok());
  EXPECT_EQ(NamesFor(*listener, "x").front(), "before.test");
  std::filesystem::rename(other.key_file, files.key_file);
  EXPECT_EQ(*context->ReloadIfChanged(), true);
  EXPECT_EQ(NamesFor(*listener, "x").front(), "after.test");
  std::filesystem::remove(files.key_file);
  EXPECT_TRUE(absl::IsNotFound(context->ReloadIfChanged().status()));
  EXPECT_EQ(NamesFor(*listener, "x").front(), "after.test");
}

TEST_F(TlsTest, RefusesBadFiles) {
  TlsServerOptions options;
  EXPECT_TRUE(absl::IsInvalidArgument(TlsServerContext::Create(options).status()));
  auto a = pki_.Issue("a.test", "a");
  auto b = pki_.Issue("b.test", "b");
  options.key_pairs = {{a.certificate_file, b.key_file}};
  EXPECT_TRUE(absl::IsInvalidArgument(TlsServerContext::Create(options).status()));
  options.key_pairs = {a};
  options.require_client_certificate = true;
  EXPECT_TRUE(absl::IsInvalidArgument(TlsServerContext::Create(options).status()));
  EXPECT_FALSE(TlsClientContext::Create({.ca_file = pki_.folder() / "none.pem"}).ok());
}

TEST_F(TlsTest, MinimumVersion) {
  TlsServerOptions options;
  options.key_pairs = {pki_.Issue("mail.test", "a")};
  options.min_version = TlsVersion::kTls13;
  auto listener = Start(TlsServerContext::Create(options).value());
  const std::string command = "openssl s_client -connect " + listener->endpoint().ToString() + " -CAfile " +
                              pki_.ca_file() + " </dev/null >/dev/null 2>&1 ";
  EXPECT_NE(system((command + "-tls1_2").c_str()), 0);
  EXPECT_EQ(system((command + "-tls1_3").c_str()), 0);
}

TEST_F(TlsTest, Tls12WorksAndRenegotiationDoesNot) {
  auto listener = Start(pki_.Server({pki_.Issue("mail.test", "a")}));
  const std::string connect = "openssl s_client -tls1_2 -connect " + listener->endpoint().ToString() + " -CAfile " +
                              pki_.ca_file() + " -verify_return_error -servername mail.test";
  EXPECT_EQ(system((connect + " </dev/null 2>&1 | grep -q 'Verify return code: 0'").c_str()), 0);
  // "R" asks for a renegotiation; a server that refuses makes s_client fail.
  EXPECT_EQ(system(("(sleep 0.3; echo R; sleep 0.5) | " + connect + " 2>&1 | grep -q 'no renegotiation'").c_str()), 0);
}

TEST_F(TlsTest, ClientCertificates) {
  TlsServerOptions options;
  options.key_pairs = {pki_.Issue("mail.test", "a")};
  options.client_ca_file = pki_.ca_file();
  options.require_client_certificate = true;
  auto context = TlsServerContext::Create(options).value();
  auto listener = Listen(pool_, [&](Stream stream) { return ServeTls(std::move(stream), context, &seen_); });
  auto mine = pki_.Issue("client.test", "client");
  TlsClientOptions client;
  client.ca_file = pki_.ca_file();
  client.certificate_file = mine.certificate_file;
  client.key_file = mine.key_file;
  absl::StatusOr<Stream> stream = RunTask(
      executor(), DialTls(listener->endpoint(), TlsClientContext::Create(client).value(), TlsPeer{"mail.test"}));
  ASSERT_TRUE(stream.ok()) << stream.status();
  Seen seen = seen_.get_future().get();
  EXPECT_TRUE(seen.info.verified);
  EXPECT_EQ(seen.info.peer_names.front(), "client.test");
  RunTask(executor(), CloseOn(*std::move(stream)));

  seen_ = std::promise<Seen>();
  absl::StatusOr<Stream> without = Connect(*listener, TlsPeer{"mail.test"});
  EXPECT_FALSE(seen_.get_future().get().handshake.ok());
  if (without.ok()) RunTask(executor(), CloseOn(*std::move(without)));
}

// What a server does for STARTTLS: everything that came before is thrown away (RFC 3207, 4.2).
Awaitable<void> StartTlsSession(Stream stream, std::shared_ptr<TlsServerContext> context, size_t* discarded) {
  stream.ExpiresAfter(seconds(10));
  BufferedReader reader(stream);
  while (reader.data().find('\n') == std::string_view::npos) {
    absl::StatusOr<size_t> n = co_await reader.Fill();
    if (!n.ok() || *n == 0) co_return;
  }
  reader.Consume(reader.data().find('\n') + 1);
  *discarded = reader.DiscardAll();
  (void)co_await stream.Write("220 go\r\n");
  absl::Status status = co_await stream.StartTlsServer(context);
  EXPECT_TRUE(status.ok()) << status;
  absl::StatusOr<size_t> n = co_await reader.Fill();
  EXPECT_TRUE(n.ok());
  (void)co_await stream.Write(reader.data());
  (void)co_await stream.ShutdownWrite();
}

Awaitable<absl::StatusOr<std::string>> InjectAndUpgrade(Endpoint endpoint,
                                                        std::shared_ptr<const TlsClientContext> context) {
  absl::StatusOr<Stream> stream = co_await Dial(endpoint);
  if (!stream.ok()) co_return stream.status();
  (void)co_await stream->Write("STARTTLS\r\nRSET\r\nMAIL FROM:<evil@test>\r\n");
  absl::StatusOr<std::string> reply = co_await ReadN(*stream, 8);
  if (!reply.ok()) co_return reply.status();
  TlsPeer peer{"mail.test", TlsVerify::kRequired};
  absl::Status status = co_await stream->StartTlsClient(context, peer);
  if (!status.ok()) co_return status;
  (void)co_await stream->Write("NOOP\r\n");
  co_return co_await ReadAll(*stream);
}

TEST_F(TlsTest, StartTlsDiscardsWhatWasInjected) {
  auto context = pki_.Server({pki_.Issue("mail.test", "a")});
  size_t discarded = 0;
  auto listener =
      Listen(pool_, [&](Stream stream) { return StartTlsSession(std::move(stream), context, &discarded); });
  absl::StatusOr<std::string> reply = RunTask(executor(), InjectAndUpgrade(listener->endpoint(), pki_.Client()));
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_EQ(*reply, "NOOP\r\n");
  EXPECT_EQ(discarded, 29u);
}

Awaitable<absl::StatusOr<std::string>> SendGarbage(Endpoint endpoint) {
  absl::StatusOr<Stream> stream = co_await Dial(endpoint);
  if (!stream.ok()) co_return stream.status();
  (void)co_await stream->Write("EHLO this is no client hello\r\n");
  co_return co_await ReadAll(*stream);
}

TEST_F(TlsTest, GarbageForAHandshake) {
  auto context = pki_.Server({pki_.Issue("mail.test", "a")});
  auto listener = Listen(pool_, [&](Stream stream) { return ServeTls(std::move(stream), context, &seen_); });
  (void)RunTask(executor(), SendGarbage(listener->endpoint()));
  EXPECT_TRUE(absl::IsUnavailable(seen_.get_future().get().handshake));
}

}  // namespace
}  // namespace mailmesh::net
