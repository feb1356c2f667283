#include "common/dns/unbound_resolver.h"

#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <asio/co_spawn.hpp>
#include <asio/use_awaitable.hpp>
#include <optional>
#include <string_view>
#include <utility>

#include "common/base/random.h"
#include "common/dns/idna.h"
#include "common/dns/records.h"
#include "common/dns/unbound_engine.h"

namespace mailmesh::dns {
namespace {

void FillFacts(const ub_result& result, const std::string& asked, AnswerFacts* facts) {
  facts->existence = Existence::kNoData;
  if (result.nxdomain != 0) facts->existence = Existence::kNxDomain;
  if (result.havedata != 0) facts->existence = Existence::kFound;
  facts->dnssec = result.secure != 0 ? Dnssec::kSecure : Dnssec::kInsecure;
  facts->ttl = std::chrono::seconds(std::max(0, result.ttl));
  facts->canonical_name = asked;
  if (result.canonname != nullptr && *result.canonname != '\0') {
    facts->canonical_name = absl::AsciiStrToLower(result.canonname);
    if (facts->canonical_name.ends_with('.')) facts->canonical_name.pop_back();
  }
}

// Calls parse() for each record's data and take() with what is well-formed.
template <typename Parse, typename Take>
void ForEachRecord(const ub_result& result, Parse parse, Take take) {
  if (result.havedata == 0) return;
  for (int i = 0; result.data[i] != nullptr; ++i) {
    if (auto record = parse(std::string_view(result.data[i], static_cast<size_t>(result.len[i])))) {
      take(*std::move(record));
    }
  }
}

template <typename Item>
void Shuffle(std::vector<Item>& items) {
  for (size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[base::RandomBelow(i)]);
}

MxAnswer ToMx(const ub_result& result, const std::string& domain) {
  MxAnswer answer;
  FillFacts(result, domain, &answer);
  ForEachRecord(result, ParseMx, [&](MxRecord record) { answer.records.push_back(std::move(record)); });
  // RFC 7505, 3: a null MX is one record alone, whose exchange is the root. Beside others it says nothing.
  answer.null_mx = answer.records.size() == 1 && answer.records.front().exchange.empty();
  std::erase_if(answer.records, [](const MxRecord& record) { return record.exchange.empty(); });
  // RFC 5321, 5.1: "MUST randomize them to spread the load".
  Shuffle(answer.records);
  std::stable_sort(answer.records.begin(), answer.records.end(),
                   [](const MxRecord& a, const MxRecord& b) { return a.preference < b.preference; });
  return answer;
}

// Of the two families only one may have answered.
absl::StatusOr<AddressAnswer> Combine(const RawAnswer& v6, const RawAnswer& v4, const std::string& host) {
  AddressAnswer answer;
  answer.canonical_name = host;
  answer.existence = Existence::kNxDomain;
  bool first = true;
  for (const RawAnswer* raw : {&v6, &v4}) {
    if (!raw->ok()) continue;
    AnswerFacts facts;
    FillFacts(***raw, host, &facts);
    if (facts.found()) {
      answer.existence = Existence::kFound;
      answer.canonical_name = facts.canonical_name;
    } else if (facts.existence == Existence::kNoData && !answer.found()) {
      answer.existence = Existence::kNoData;
    }
    answer.dnssec = facts.secure() && (first || answer.secure()) ? Dnssec::kSecure : Dnssec::kInsecure;
    answer.ttl = first ? facts.ttl : std::min(answer.ttl, facts.ttl);
    first = false;
  }
  if (!v6.ok() || !v4.ok()) {
    const absl::Status& error = v4.ok() ? v6.status() : v4.status();
    if (IsBogus(v6.status())) return v6.status();
    if (!answer.found() || IsBogus(error)) return error;
    answer.partial = true;
  }
  auto take = [&](net::IpAddress address) { answer.addresses.push_back(address); };
  if (v6.ok()) ForEachRecord(**v6, ParseAaaa, take);
  if (v4.ok()) ForEachRecord(**v4, ParseA, take);
  return answer;
}

absl::Status CheckNotAddress(const std::string& host) {
  if (!net::IpAddress::Parse(host).ok()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(host, " is an address, not a name"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<UnboundResolver>> UnboundResolver::Create(net::Executor executor,
                                                                         const UnboundOptions& options) {
  absl::StatusOr<std::shared_ptr<Engine>> engine = Engine::Create(std::move(executor), options);
  if (!engine.ok()) return engine.status();
  (*engine)->Start();
  return std::unique_ptr<UnboundResolver>(new UnboundResolver(*std::move(engine)));
}

UnboundResolver::UnboundResolver(std::shared_ptr<Engine> engine) : engine_(std::move(engine)) {}
UnboundResolver::~UnboundResolver() { engine_->Stop(); }

net::Awaitable<absl::StatusOr<MxAnswer>> UnboundResolver::ResolveMx(std::string domain, net::TimePoint deadline) {
  absl::StatusOr<std::string> name = ToAsciiName(domain);
  if (!name.ok()) co_return name.status();
  auto question = Engine::Ask(engine_, *name, RecordType::kMx, deadline);
  RawAnswer raw = co_await asio::co_spawn(engine_->executor(), std::move(question), asio::use_awaitable);
  if (!raw.ok()) co_return raw.status();
  co_return ToMx(**raw, *name);
}

net::Awaitable<absl::StatusOr<AddressAnswer>> UnboundResolver::ResolveAddresses(std::string host,
                                                                                net::TimePoint deadline) {
  if (absl::Status status = CheckNotAddress(host); !status.ok()) co_return status;
  absl::StatusOr<std::string> name = ToAsciiName(host);
  if (!name.ok()) co_return name.status();
  auto question = Engine::AskTwo(engine_, *name, RecordType::kAaaa, RecordType::kA, deadline);
  std::pair<RawAnswer, RawAnswer> raw =
      co_await asio::co_spawn(engine_->executor(), std::move(question), asio::use_awaitable);
  co_return Combine(raw.first, raw.second, *name);
}

net::Awaitable<absl::StatusOr<TlsaAnswer>> UnboundResolver::ResolveTlsa(std::string name_in, net::TimePoint deadline) {
  absl::StatusOr<std::string> name = ToAsciiName(name_in);
  if (!name.ok()) co_return name.status();
  auto question = Engine::Ask(engine_, *name, RecordType::kTlsa, deadline);
  RawAnswer raw = co_await asio::co_spawn(engine_->executor(), std::move(question), asio::use_awaitable);
  if (!raw.ok()) co_return raw.status();
  TlsaAnswer answer;
  FillFacts(**raw, *name, &answer);
  ForEachRecord(**raw, ParseTlsa, [&](TlsaRecord record) { answer.records.push_back(std::move(record)); });
  co_return answer;
}

net::Awaitable<absl::StatusOr<TxtAnswer>> UnboundResolver::ResolveTxt(std::string name_in, net::TimePoint deadline) {
  absl::StatusOr<std::string> name = ToAsciiName(name_in);
  if (!name.ok()) co_return name.status();
  auto question = Engine::Ask(engine_, *name, RecordType::kTxt, deadline);
  RawAnswer raw = co_await asio::co_spawn(engine_->executor(), std::move(question), asio::use_awaitable);
  if (!raw.ok()) co_return raw.status();
  TxtAnswer answer;
  FillFacts(**raw, *name, &answer);
  ForEachRecord(**raw, ParseTxt, [&](std::string text) { answer.texts.push_back(std::move(text)); });
  co_return answer;
}

net::Awaitable<absl::StatusOr<NameAnswer>> UnboundResolver::ResolvePtr(net::IpAddress address,
                                                                       net::TimePoint deadline) {
  const std::string name = address.ToReverseName();
  auto question = Engine::Ask(engine_, name, RecordType::kPtr, deadline);
  RawAnswer raw = co_await asio::co_spawn(engine_->executor(), std::move(question), asio::use_awaitable);
  if (!raw.ok()) co_return raw.status();
  NameAnswer answer;
  FillFacts(**raw, name, &answer);
  ForEachRecord(**raw, ParseWireName, [&](std::string text) {
    if (!text.empty()) answer.names.push_back(std::move(text));
  });
  co_return answer;
}

}  // namespace mailmesh::dns
