#include "common/dns/metered_resolver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/use_future.hpp>

#include "absl/strings/str_cat.h"
#include "common/dns/fake_resolver_for_test.h"

namespace mailmesh::dns {
namespace {

template <class T>
T Await(net::Awaitable<T> task) {
  asio::io_context io;
  auto result = asio::co_spawn(io, std::move(task), asio::use_future);
  io.run();
  return result.get();
}

TEST(MeteredResolverTest, CountsByTypeAndResultAndChangesNothing) {
  auto fake = std::make_unique<FakeResolverForTest>();
  fake->AddMx("a.test", 10, "mx.a.test");
  fake->AddAddress("mx.a.test", "192.0.2.1");
  fake->mx["b.test"] = absl::UnavailableError("SERVFAIL");
  fake->mx["late.test"] = absl::DeadlineExceededError("late");
  fake->txt["forged.test"] = BogusError("forged");
  fake->addresses["192.0.2.1"] = absl::InvalidArgumentError("an address");
  fake->tlsa["a.test"] = TlsaAnswer();
  telemetry::Registry registry;
  MeteredResolver resolver(std::move(fake), registry);
  EXPECT_EQ(Await(resolver.ResolveMx("a.test", net::kNever))->records.size(), 1u);
  EXPECT_EQ(Await(resolver.ResolveAddresses("mx.a.test", net::kNever))->addresses.size(), 1u);
  EXPECT_EQ(Await(resolver.ResolveMx("none.test", net::kNever))->existence, Existence::kNxDomain);
  EXPECT_TRUE(absl::IsUnavailable(Await(resolver.ResolveMx("b.test", net::kNever)).status()));
  EXPECT_TRUE(absl::IsDeadlineExceeded(Await(resolver.ResolveMx("late.test", net::kNever)).status()));
  EXPECT_TRUE(IsBogus(Await(resolver.ResolveTxt("forged.test", net::kNever)).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(Await(resolver.ResolveAddresses("192.0.2.1", net::kNever)).status()));
  EXPECT_EQ(Await(resolver.ResolveTlsa("a.test", net::kNever))->existence, Existence::kNoData);
  EXPECT_EQ(Await(resolver.ResolvePtr(net::IpAddress::Parse("192.0.2.1").value(), net::kNever))->existence, Existence::kNxDomain);
  const std::string text = registry.Text();
  for (const char* labels : {R"(result="found",type="mx")", R"(result="found",type="address")", R"(result="nxdomain",type="mx")",
                             R"(result="failed",type="mx")", R"(result="timeout",type="mx")", R"(result="bogus",type="txt")",
                             R"(result="no_name",type="address")", R"(result="no_data",type="tlsa")", R"(result="nxdomain",type="ptr")"}) {
    EXPECT_THAT(text, testing::HasSubstr(absl::StrCat("mailmesh_dns_lookup_seconds_count{", labels, "} 1\n")));
  }
}

}  // namespace
}  // namespace mailmesh::dns
