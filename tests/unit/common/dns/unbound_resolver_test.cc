// The resolver against a real name server.
#include "common/dns/unbound_resolver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <fstream>
#include <future>

#include "common/dns/fake_resolver_for_test.h"
#include "common/net/unique_fd.h"
#include "tests/unit/common/dns/nsd_process.h"

namespace mailmesh::dns {
namespace {

using net::After;
using net::RunTask;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr char kZone[] = R"($ORIGIN mail.test.
$TTL 300
@        IN SOA ns hostmaster 1 3600 600 86400 60
@        IN NS ns
ns       IN A 127.0.0.1
@        IN MX 20 mx2
@        IN MX 10 MX1
@        IN MX 10 mx1b
mx1      IN A 192.0.2.1
mx1      IN AAAA 2001:db8::1
mx1b     IN A 192.0.2.11
mx2      IN A 192.0.2.2
null     IN MX 0 .
odd      IN MX 0 .
odd      IN MX 5 mx1
nomx     IN A 192.0.2.3
alias    IN CNAME @
walias   IN CNAME mx1
dangling IN CNAME nothing
txt      IN TXT "v=spf1 " "-all"
xn--bcher-kva IN A 192.0.2.4
_25._tcp.mx1 IN TLSA 3 1 1 0011
)";

constexpr char kReverse[] = R"($ORIGIN 2.0.192.in-addr.arpa.
$TTL 300
@  IN SOA ns.mail.test. hostmaster.mail.test. 1 3600 600 86400 60
@  IN NS ns.mail.test.
1  IN PTR mx1.mail.test.
)";

std::string FileText(const std::string& path) {
  std::ifstream in(path);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

class UnboundResolverTest : public testing::Test {
 protected:
  UnboundResolverTest() : pool_(2) { pool_.Start(); }

  void SetUp() override {
    // What was signed no longer says so.
    std::string spoiled = FileText(kSigned);
    const size_t text = spoiled.find("\"before\"");
    ASSERT_NE(text, std::string::npos);
    spoiled.replace(text, 8, "\"after\"");
    nsd_ = NsdProcess::Start({{"mail.test", kZone},
                              {"2.0.192.in-addr.arpa", kReverse},
                              {"broken.test", ""},
                              {"signed.test", spoiled}});
    if (nsd_ == nullptr) GTEST_SKIP() << "nsd is not installed";
    UnboundOptions options;
    options.hosts_file = "";
    options.resolv_conf = "";
    for (const char* zone : {"mail.test.", "broken.test.", "signed.test.", "2.0.192.in-addr.arpa."}) {
      options.stub_zones[zone] = nsd_->address();
    }
    options.trust_anchor_file = "tests/unit/common/dns/testdata/signed.ds";
    absl::StatusOr<std::unique_ptr<UnboundResolver>> made = UnboundResolver::Create(engine(), options);
    ASSERT_TRUE(made.ok()) << made.status();
    resolver_ = *std::move(made);
  }

  net::Executor engine() { return pool_.at(0).get_executor(); }
  // Callers are on another thread than the engine.
  net::Executor caller() { return pool_.at(1).get_executor(); }
  net::TimePoint Soon() { return After(seconds(20)); }

  absl::StatusOr<MxAnswer> Mx(const std::string& name) { return RunTask(caller(), resolver_->ResolveMx(name, Soon())); }
  absl::StatusOr<AddressAnswer> Addresses(const std::string& name) {
    return RunTask(caller(), resolver_->ResolveAddresses(name, Soon()));
  }

  static constexpr char kSigned[] = "tests/unit/common/dns/testdata/signed.zone";
  net::IoPool pool_;
  std::unique_ptr<NsdProcess> nsd_;
  std::unique_ptr<UnboundResolver> resolver_;
};

TEST_F(UnboundResolverTest, MxByPreference) {
  bool other_order = false;
  std::string first;
  for (int i = 0; i < 50; ++i) {
    absl::StatusOr<MxAnswer> answer = Mx("Mail.Test.");
    ASSERT_TRUE(answer.ok()) << answer.status();
    ASSERT_EQ(answer->records.size(), 3u);
    EXPECT_EQ(answer->records[0].preference, 10);
    EXPECT_EQ(answer->records[1].preference, 10);
    EXPECT_EQ(answer->records[2], (MxRecord{20, "mx2.mail.test"}));
    if (first.empty()) first = answer->records[0].exchange;
    other_order |= answer->records[0].exchange != first;
    EXPECT_EQ(answer->canonical_name, "mail.test");
    EXPECT_EQ(answer->dnssec, Dnssec::kInsecure);
    EXPECT_GT(answer->ttl.count(), 0);
    EXPECT_FALSE(answer->null_mx);
  }
  EXPECT_TRUE(other_order) << "equal preferences are shuffled";
}

TEST_F(UnboundResolverTest, NullMx) {
  absl::StatusOr<MxAnswer> answer = Mx("null.mail.test");
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_TRUE(answer->found());
  EXPECT_TRUE(answer->null_mx);
  EXPECT_TRUE(answer->records.empty());
  absl::StatusOr<MxAnswer> odd = Mx("odd.mail.test");
  ASSERT_TRUE(odd.ok()) << odd.status();
  EXPECT_FALSE(odd->null_mx);
  EXPECT_EQ(odd->records.size(), 1u);
}

TEST_F(UnboundResolverTest, CanonicalName) {
  absl::StatusOr<MxAnswer> answer = Mx("alias.mail.test");
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->canonical_name, "mail.test");
  EXPECT_EQ(answer->records.size(), 3u);
  absl::StatusOr<AddressAnswer> addresses = Addresses("walias.mail.test");
  ASSERT_TRUE(addresses.ok()) << addresses.status();
  EXPECT_EQ(addresses->canonical_name, "mx1.mail.test");
}

TEST_F(UnboundResolverTest, NothingThere) {
  EXPECT_EQ(Mx("nomx.mail.test")->existence, Existence::kNoData);
  EXPECT_EQ(Mx("nothing.mail.test")->existence, Existence::kNxDomain);
  EXPECT_EQ(Mx("dangling.mail.test")->existence, Existence::kNxDomain);
  EXPECT_EQ(Addresses("txt.mail.test")->existence, Existence::kNoData);
  EXPECT_EQ(Addresses("nothing.mail.test")->existence, Existence::kNxDomain);
}

TEST_F(UnboundResolverTest, FailureIsNotAbsence) {
  EXPECT_TRUE(absl::IsUnavailable(Mx("broken.test").status())) << Mx("broken.test").status();
  EXPECT_TRUE(absl::IsUnavailable(Addresses("www.broken.test").status()));
  EXPECT_FALSE(IsBogus(Mx("broken.test").status()));
}

TEST_F(UnboundResolverTest, Addresses) {
  absl::StatusOr<AddressAnswer> both = Addresses("mx1.mail.test");
  ASSERT_TRUE(both.ok()) << both.status();
  ASSERT_EQ(both->addresses.size(), 2u);
  EXPECT_EQ(both->addresses[0].ToString(), "2001:db8::1");
  EXPECT_EQ(both->addresses[1].ToString(), "192.0.2.1");
  EXPECT_FALSE(both->partial);
  absl::StatusOr<AddressAnswer> one = Addresses("mx2.mail.test");
  ASSERT_TRUE(one.ok()) << one.status();
  EXPECT_EQ(one->addresses.size(), 1u);
  absl::StatusOr<AddressAnswer> idn = Addresses("b\xc3\xbc" "cher.mail.test");
  ASSERT_TRUE(idn.ok()) << idn.status();
  EXPECT_EQ(idn->addresses.front().ToString(), "192.0.2.4");
  EXPECT_TRUE(absl::IsInvalidArgument(Addresses("192.0.2.1").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(Addresses("a..b").status()));
}

TEST_F(UnboundResolverTest, OtherTypes) {
  absl::StatusOr<TxtAnswer> txt = RunTask(caller(), resolver_->ResolveTxt("txt.mail.test", Soon()));
  ASSERT_TRUE(txt.ok()) << txt.status();
  EXPECT_THAT(txt->texts, testing::ElementsAre("v=spf1 -all"));
  absl::StatusOr<TlsaAnswer> tlsa = RunTask(caller(), resolver_->ResolveTlsa("_25._tcp.mx1.mail.test", Soon()));
  ASSERT_TRUE(tlsa.ok()) << tlsa.status();
  ASSERT_EQ(tlsa->records.size(), 1u);
  EXPECT_EQ(tlsa->records[0].usage, 3);
  EXPECT_EQ(tlsa->records[0].data, std::string("\0\x11", 2));
  EXPECT_FALSE(tlsa->secure());
  absl::StatusOr<NameAnswer> ptr =
      RunTask(caller(), resolver_->ResolvePtr(*net::IpAddress::Parse("192.0.2.1"), Soon()));
  ASSERT_TRUE(ptr.ok()) << ptr.status();
  EXPECT_THAT(ptr->names, testing::ElementsAre("mx1.mail.test"));
}

TEST_F(UnboundResolverTest, SignedZone) {
  absl::StatusOr<MxAnswer> mx = Mx("signed.test");
  ASSERT_TRUE(mx.ok()) << mx.status();
  EXPECT_TRUE(mx->secure());
  absl::StatusOr<TlsaAnswer> tlsa = RunTask(caller(), resolver_->ResolveTlsa("_25._tcp.mx.signed.test", Soon()));
  ASSERT_TRUE(tlsa.ok()) << tlsa.status();
  EXPECT_TRUE(tlsa->secure());
  // That there is nothing is proven too.
  absl::StatusOr<MxAnswer> none = Mx("nothing.signed.test");
  ASSERT_TRUE(none.ok()) << none.status();
  EXPECT_EQ(none->existence, Existence::kNxDomain);
  EXPECT_TRUE(none->secure());
  // A and no AAAA, both proven.
  absl::StatusOr<AddressAnswer> addresses = Addresses("mx.signed.test");
  ASSERT_TRUE(addresses.ok()) << addresses.status();
  EXPECT_TRUE(addresses->secure());
  EXPECT_EQ(addresses->addresses.size(), 1u);
}

TEST_F(UnboundResolverTest, BogusAnswerIsNone) {
  absl::StatusOr<TxtAnswer> answer = RunTask(caller(), resolver_->ResolveTxt("bad.signed.test", Soon()));
  EXPECT_TRUE(absl::IsUnavailable(answer.status())) << answer.status();
  EXPECT_TRUE(IsBogus(answer.status()));
}

TEST_F(UnboundResolverTest, ManyAtATime) {
  std::vector<std::future<absl::StatusOr<AddressAnswer>>> all;
  for (int i = 0; i < 300; ++i) {
    net::Executor executor = pool_.at(i % 2).get_executor();
    const std::string name = i % 3 == 0 ? "mx1.mail.test" : "nothing" + std::to_string(i) + ".mail.test";
    all.push_back(asio::co_spawn(executor, resolver_->ResolveAddresses(name, Soon()), asio::use_future));
  }
  for (size_t i = 0; i < all.size(); ++i) {
    absl::StatusOr<AddressAnswer> answer = all[i].get();
    ASSERT_TRUE(answer.ok()) << answer.status();
    EXPECT_EQ(answer->found(), i % 3 == 0);
  }
}

TEST_F(UnboundResolverTest, ForwardServer) {
  UnboundOptions options;
  options.hosts_file = "";
  options.forward_servers = {nsd_->address()};
  auto forwarding = UnboundResolver::Create(engine(), options).value();
  absl::StatusOr<MxAnswer> answer = RunTask(caller(), forwarding->ResolveMx("mail.test", Soon()));
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->records.size(), 3u);
}


TEST(DnsDeadlineTest, SilentServer) {
  // A socket that nobody reads.
  net::UniqueFd silent(socket(AF_INET, SOCK_DGRAM, 0));
  sockaddr_storage storage;
  socklen_t size = net::SocketAddress(net::IpAddress::LoopbackV4(), 0).ToNative(&storage);
  ASSERT_EQ(bind(silent.get(), reinterpret_cast<sockaddr*>(&storage), size), 0);
  ASSERT_EQ(getsockname(silent.get(), reinterpret_cast<sockaddr*>(&storage), &size), 0);
  net::IoPool pool(1);
  pool.Start();
  net::Executor executor = pool.at(0).get_executor();
  UnboundOptions options;
  options.hosts_file = "";
  options.forward_servers = {
      net::SocketAddress::FromNative(reinterpret_cast<sockaddr*>(&storage), size).ToString()};
  auto resolver = UnboundResolver::Create(executor, options).value();
  const net::TimePoint begin = net::Clock::now();
  absl::StatusOr<AddressAnswer> answer =
      RunTask(executor, resolver->ResolveAddresses("example.com", After(milliseconds(200))));
  EXPECT_TRUE(absl::IsDeadlineExceeded(answer.status())) << answer.status();
  EXPECT_LT(net::Clock::now() - begin, seconds(5));
}

TEST(DnsDeadlineTest, PoolEndsBeforeTheAnswer) {
  net::UniqueFd silent(socket(AF_INET, SOCK_DGRAM, 0));
  sockaddr_storage storage;
  socklen_t size = net::SocketAddress(net::IpAddress::LoopbackV4(), 0).ToNative(&storage);
  ASSERT_EQ(bind(silent.get(), reinterpret_cast<sockaddr*>(&storage), size), 0);
  ASSERT_EQ(getsockname(silent.get(), reinterpret_cast<sockaddr*>(&storage), &size), 0);
  net::IoPool pool(2);
  pool.Start();
  UnboundOptions options;
  options.hosts_file = "";
  options.forward_servers = {
      net::SocketAddress::FromNative(reinterpret_cast<sockaddr*>(&storage), size).ToString()};
  auto resolver = UnboundResolver::Create(pool.at(0).get_executor(), options).value();
  auto never = asio::co_spawn(pool.at(1).get_executor(), resolver->ResolveMx("example.com", net::kNever),
                              asio::use_future);
  EXPECT_EQ(never.wait_for(milliseconds(50)), std::future_status::timeout);
  pool.Stop();
}

TEST(UnboundOptionsTest, MistakesAreNamed) {
  net::IoPool pool(1);
  UnboundOptions options;
  options.forward_servers = {"dns.example:53"};
  absl::Status status = UnboundResolver::Create(pool.at(0).get_executor(), options).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_THAT(status.ToString(), testing::HasSubstr("dns.example"));
  options.forward_servers = {};
  options.resolv_conf = "/nowhere";
  EXPECT_FALSE(UnboundResolver::Create(pool.at(0).get_executor(), options).ok());
}

TEST(FakeResolverTest, AnswersFromItsTable) {
  net::IoPool pool(1);
  pool.Start();
  FakeResolverForTest fake;
  fake.AddMx("a.test", 10, "mx.a.test");
  fake.AddAddress("mx.a.test", "192.0.2.1");
  fake.mx["b.test"] = absl::UnavailableError("SERVFAIL");
  net::Executor executor = pool.at(0).get_executor();
  EXPECT_EQ(RunTask(executor, fake.ResolveMx("a.test", net::kNever))->records.size(), 1u);
  EXPECT_EQ(RunTask(executor, fake.ResolveAddresses("mx.a.test", net::kNever))->addresses.size(), 1u);
  EXPECT_TRUE(absl::IsUnavailable(RunTask(executor, fake.ResolveMx("b.test", net::kNever)).status()));
  EXPECT_EQ(RunTask(executor, fake.ResolveMx("c.test", net::kNever))->existence, Existence::kNxDomain);
}

}  // namespace
}  // namespace mailmesh::dns
