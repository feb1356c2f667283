#include "common/auth/account_watch.h"

#include <asio/post.hpp>
#include <utility>

#include "common/net/spawn.h"
#include "common/rpc/status.h"

namespace mailmesh::auth {
namespace {

constexpr auto kPatience = std::chrono::seconds(4);

}  // namespace

AccountWatch::AccountWatch(net::Executor executor, std::shared_ptr<grpc::Channel> directory, Sessions sessions,
                           net::Duration period)
    : stop_event_(std::move(executor)), directory_(std::move(directory)), sessions_(std::move(sessions)), period_(period) {}

void AccountWatch::Start() { net::Spawn(stop_event_.executor(), Run(shared_from_this()), "account-watch"); }

void AccountWatch::Stop() {
  asio::post(stop_event_.executor(), [self = shared_from_this()] {
    self->stopped_ = true;
    self->stop_event_.Notify();
  });
}

net::Awaitable<void> AccountWatch::Run(std::shared_ptr<AccountWatch> self) { co_await self->Loop(); }

net::Awaitable<void> AccountWatch::Loop() {
  while (!stopped_) {
    const std::vector<std::string> accounts = sessions_.accounts();
    const net::Duration step = period_ / (accounts.size() + 1);
    for (size_t i = 0; i <= accounts.size(); ++i) {
      const net::TimePoint next = net::After(step);
      [[maybe_unused]] absl::Status waited = co_await stop_event_.Wait(next);
      if (stopped_) co_return;
      if (i < accounts.size()) co_await Check(accounts[i]);
      if (stopped_) co_return;
    }
  }
}

net::Awaitable<void> AccountWatch::Check(std::string account) {
  const net::TimePoint deadline = net::After(kPatience);
  auto found = co_await directory_.GetAccountByAddress(account, deadline);
  // Only a plain word of the directory ends a session.
  const bool gone = found.ok() ? found->disabled()
                               : rpc::HasReason(found.status(), type::v1::ERROR_REASON_ACCOUNT_NOT_FOUND);
  if (gone && !stopped_) sessions_.end(account);
}

}  // namespace mailmesh::auth
