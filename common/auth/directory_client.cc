#include "common/auth/directory_client.h"

#include <grpcpp/channel.h>

#include <algorithm>
#include <atomic>
#include <utility>

#include "absl/strings/ascii.h"
#include "common/auth/ttl_cache.h"
#include "common/base/status.h"
#include "common/rpc/client_call.h"
#include "common/rpc/status.h"
#include "mailmesh/directory/v1/directory_service.grpc.pb.h"

namespace mailmesh::auth {
namespace {

using directory::v1::RecipientResolution;
using Stub = directory::v1::DirectoryService::Stub;

// Answers to single questions (senders, routes) carry no time of their own.
constexpr absl::Duration kDefaultFresh = absl::Seconds(10);

// The directory is away, rather than of another opinion.
bool IsAway(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status) || absl::IsResourceExhausted(status);
}

// Yes, for the purpose of an old answer.
bool IsKnown(const RecipientResolution& resolution) {
  return resolution.kind() == RecipientResolution::KIND_DELIVER || resolution.kind() == RecipientResolution::KIND_RELAY ||
         resolution.kind() == RecipientResolution::KIND_REMOTE;
}

}  // namespace

class DirectoryClient::Impl {
 public:
  Impl(std::shared_ptr<grpc::Channel> channel, Options options)
      : options_(options),
        channel_(std::move(channel)),
        stub_(directory::v1::DirectoryService::NewStub(channel_)),
        recipients_(options.max_entries),
        senders_(options.max_entries),
        routes_(options.max_entries) {}

  net::Awaitable<absl::StatusOr<std::vector<RecipientResolution>>> Resolve(std::vector<std::string> addresses,
                                                                          net::TimePoint deadline, telemetry::Trace trace) {
    std::vector<RecipientResolution> result(addresses.size());
    std::vector<size_t> missing;
    directory::v1::ResolveRecipientsRequest request;
    bool all_have_older = true;
    for (size_t i = 0; i < addresses.size(); ++i) {
      auto hit = recipients_.Get(addresses[i]);
      if (hit && IsFresh(*hit)) {
        result[i] = std::move(hit->value);
        continue;
      }
      all_have_older = all_have_older && hit && IsUsable(*hit);
      missing.push_back(i);
      request.add_addresses(addresses[i]);
    }
    hits_ += addresses.size() - missing.size();
    if (missing.empty()) co_return result;
    misses_ += missing.size();
    auto answer = co_await Ask(&Stub::async::ResolveRecipients, std::move(request), deadline, all_have_older, std::move(trace));
    if (!answer.ok()) {
      absl::Status status = UseOlder(answer.status(), addresses, missing, result);
      if (!status.ok()) co_return status;
      co_return result;
    }
    if (static_cast<size_t>(answer->resolutions_size()) != missing.size()) {
      co_return absl::UnavailableError("the directory's answer has another length than the question");
    }
    auto fresh_until = FreshUntil(absl::Seconds(answer->cache_seconds()));
    for (size_t i = 0; i < missing.size(); ++i) {
      result[missing[i]] = std::move(*answer->mutable_resolutions(static_cast<int>(i)));
      recipients_.Put(addresses[missing[i]], result[missing[i]], fresh_until);
    }
    co_return result;
  }

  net::Awaitable<absl::StatusOr<bool>> CheckSender(std::string account_id, std::string address, net::TimePoint deadline,
                                                  telemetry::Trace trace) {
    if (address.empty()) co_return true;
    std::string key = account_id + std::string(1, '\0') + address;
    auto hit = senders_.Get(key);
    if (hit && IsFresh(*hit)) {
      ++hits_;
      co_return hit->value;
    }
    ++misses_;
    directory::v1::CheckSenderRequest request;
    request.set_account_id(std::move(account_id));
    request.set_address(std::move(address));
    bool older = hit && hit->value && IsUsable(*hit);
    auto answer = co_await Ask(&Stub::async::CheckSender, std::move(request), deadline, older, std::move(trace));
    if (answer.ok()) {
      senders_.Put(key, answer->owned(), FreshUntil(kDefaultFresh));
      co_return answer->owned();
    }
    if (!IsAway(answer.status()) || !older) co_return answer.status();
    ++stale_;
    co_return true;
  }

  net::Awaitable<absl::StatusOr<std::optional<directory::v1::Route>>> GetRoute(std::string domain, net::TimePoint deadline,
                                                                                 telemetry::Trace trace) {
    std::string key = absl::AsciiStrToLower(domain);
    auto hit = routes_.Get(key);
    if (hit && IsFresh(*hit)) {
      ++hits_;
      co_return hit->value;
    }
    ++misses_;
    directory::v1::GetRouteRequest request;
    request.set_domain(std::move(domain));
    bool older = hit && IsUsable(*hit);
    auto answer = co_await Ask(&Stub::async::GetRoute, std::move(request), deadline, older, std::move(trace));
    std::optional<directory::v1::Route> route;
    if (answer.ok()) {
      route = std::move(*answer->mutable_route());
    } else if (!rpc::HasReason(answer.status(), type::v1::ERROR_REASON_ROUTE_NOT_FOUND)) {
      if (!IsAway(answer.status()) || !older) co_return answer.status();
      ++stale_;
      co_return hit->value;
    }
    routes_.Put(key, route, FreshUntil(kDefaultFresh));
    co_return route;
  }

  net::Awaitable<absl::StatusOr<std::vector<directory::v1::Account>>> GetAccounts(std::vector<std::string> addresses,
                                                                                  net::TimePoint deadline) {
    directory::v1::BatchGetAccountsRequest request;
    for (std::string& address : addresses) request.add_requests()->set_address(std::move(address));
    rpc::CallContext context = rpc::CallContext::Until(deadline);
    auto answer = co_await rpc::UnaryCall(stub_->async(), &Stub::async::BatchGetAccounts, request, context);
    // A directory of the version before this call.
    if (absl::IsUnimplemented(answer.status())) co_return co_await GetEachAccount(request, context);
    if (!answer.ok()) co_return answer.status();
    if (answer->accounts_size() != request.requests_size()) co_return absl::InternalError("not as many accounts as were asked for");
    co_return std::vector<directory::v1::Account>(std::make_move_iterator(answer->mutable_accounts()->begin()),
                                                  std::make_move_iterator(answer->mutable_accounts()->end()));
  }

  void Clear() {
    recipients_.Clear();
    senders_.Clear();
    routes_.Clear();
  }

  Stats stats() const {
    return Stats{recipients_.size() + senders_.size() + routes_.size(), hits_.load(), misses_.load(), stale_.load()};
  }

 private:
  using Time = std::chrono::steady_clock::time_point;

  // `request` is of the coroutine that awaits this one at once.
  net::Awaitable<absl::StatusOr<std::vector<directory::v1::Account>>> GetEachAccount(
      const directory::v1::BatchGetAccountsRequest& request, rpc::CallContext context) {
    std::vector<directory::v1::Account> accounts;
    for (const directory::v1::GetAccountRequest& one : request.requests()) {
      auto answer = co_await rpc::UnaryCall(stub_->async(), &Stub::async::GetAccount, one, context);
      const bool missing = rpc::HasReason(answer.status(), type::v1::ERROR_REASON_ACCOUNT_NOT_FOUND);
      if (!answer.ok() && !missing) co_return answer.status();
      accounts.push_back(missing ? directory::v1::Account() : std::move(*answer->mutable_account()));
    }
    co_return accounts;
  }

  template <class Hit>
  bool IsFresh(const Hit& hit) const {
    return options_.clock->Monotonic() < hit.fresh_until;
  }
  template <class Hit>
  bool IsUsable(const Hit& hit) const {
    return options_.clock->Monotonic() < hit.fresh_until + absl::ToChronoNanoseconds(options_.stale);
  }
  Time FreshUntil(absl::Duration fresh) const { return options_.clock->Monotonic() + absl::ToChronoNanoseconds(fresh); }

  // Asks the directory, if it is worth while. With an older answer at hand nobody waits long for a newer one; nor does
  // anybody while the directory is known to be away.
  template <class Request, class Response>
  net::Awaitable<absl::StatusOr<Response>> Ask(void (Stub::async::*method)(grpc::ClientContext*, const Request*, Response*,
                                                                           std::function<void(grpc::Status)>),
                                               Request request, net::TimePoint deadline, bool have_older, telemetry::Trace trace) {
    const Time away_until = away_until_.load();
    const Time now = options_.clock->Monotonic();
    const bool away = away_until != Time::min();
    if (have_older && now < away_until) co_return absl::UnavailableError("the directory did not answer a moment ago");
    // The one that asks now asks for all that come meanwhile.
    if (away) away_until_ = now + absl::ToChronoNanoseconds(options_.pause + options_.patience);
    rpc::CallContext context = rpc::CallContext::Until(deadline, std::move(trace));
    context = context.AtMost(have_older || away ? options_.patience : options_.patience_without);
    auto answer = co_await rpc::UnaryCall(stub_->async(), method, request, context);
    const bool failed = !answer.ok() && IsAway(answer.status());
    away_until_ = failed ? options_.clock->Monotonic() + absl::ToChronoNanoseconds(options_.pause) : Time::min();
    co_return answer;
  }

  // Fills the missing ones from answers that were good not long ago; else says why not.
  absl::Status UseOlder(const absl::Status& failure, const std::vector<std::string>& addresses,
                        const std::vector<size_t>& missing, std::vector<RecipientResolution>& result) {
    if (!IsAway(failure)) return failure;
    for (size_t i : missing) {
      auto hit = recipients_.Get(addresses[i]);
      if (!hit || !IsUsable(*hit) || !IsKnown(hit->value)) return failure;
      result[i] = std::move(hit->value);
    }
    stale_ += missing.size();
    return absl::OkStatus();
  }

  const Options options_;
  // When the directory that did not answer is asked again by those who could do without; min(): it answers.
  std::atomic<Time> away_until_{Time::min()};
  std::shared_ptr<grpc::Channel> channel_;  // shared with the other calls to the role
  std::unique_ptr<Stub> stub_;
  TtlCache<RecipientResolution> recipients_;
  TtlCache<bool> senders_;
  TtlCache<std::optional<directory::v1::Route>> routes_;
  std::atomic<uint64_t> hits_{0};
  std::atomic<uint64_t> misses_{0};
  std::atomic<uint64_t> stale_{0};
};

DirectoryClient::DirectoryClient(std::shared_ptr<grpc::Channel> directory, Options options)
    : impl_(std::make_unique<Impl>(std::move(directory), options)) {}
DirectoryClient::~DirectoryClient() = default;

net::Awaitable<absl::StatusOr<std::vector<RecipientResolution>>> DirectoryClient::ResolveRecipients(
    std::vector<std::string> addresses, net::TimePoint deadline, telemetry::Trace trace) {
  return impl_->Resolve(std::move(addresses), deadline, std::move(trace));
}

net::Awaitable<absl::StatusOr<RecipientResolution>> DirectoryClient::ResolveRecipient(std::string address,
                                                                                      net::TimePoint deadline,
                                                                                      telemetry::Trace trace) {
  std::vector<std::string> one;
  one.push_back(std::move(address));
  auto all = co_await impl_->Resolve(std::move(one), deadline, std::move(trace));
  if (!all.ok()) co_return all.status();
  co_return std::move((*all)[0]);
}

net::Awaitable<absl::StatusOr<bool>> DirectoryClient::CheckSender(std::string account_id, std::string address,
                                                                  net::TimePoint deadline, telemetry::Trace trace) {
  return impl_->CheckSender(std::move(account_id), std::move(address), deadline, std::move(trace));
}

net::Awaitable<absl::StatusOr<std::optional<directory::v1::Route>>> DirectoryClient::GetRoute(std::string domain,
                                                                                              net::TimePoint deadline,
                                                                                              telemetry::Trace trace) {
  return impl_->GetRoute(std::move(domain), deadline, std::move(trace));
}

net::Awaitable<absl::StatusOr<std::vector<directory::v1::Account>>> DirectoryClient::GetAccounts(
    std::vector<std::string> addresses, net::TimePoint deadline) {
  return impl_->GetAccounts(std::move(addresses), deadline);
}

void DirectoryClient::Clear() { impl_->Clear(); }
DirectoryClient::Stats DirectoryClient::stats() const { return impl_->stats(); }

}  // namespace mailmesh::auth
