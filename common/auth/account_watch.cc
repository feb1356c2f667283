#include "common/auth/account_watch.h"

#include <algorithm>
#include <asio/post.hpp>
#include <utility>

#include "common/net/spawn.h"

namespace mailmesh::auth {
namespace {

constexpr auto kPatience = std::chrono::seconds(4);
// Accounts of one question.
constexpr size_t kBatch = 100;

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
    const net::Duration step = period_ / ((accounts.size() + kBatch - 1) / kBatch + 1);
    for (size_t first = 0;; first += kBatch) {
      const net::TimePoint next = net::After(step);
      [[maybe_unused]] absl::Status waited = co_await stop_event_.Wait(next);
      if (stopped_) co_return;
      if (first >= accounts.size()) break;
      const auto begin = accounts.begin() + static_cast<std::ptrdiff_t>(first);
      const auto end = begin + static_cast<std::ptrdiff_t>(std::min(kBatch, accounts.size() - first));
      co_await Check(std::vector<std::string>(begin, end));
      if (stopped_) co_return;
    }
  }
}

net::Awaitable<void> AccountWatch::Check(std::vector<std::string> accounts) {
  const net::TimePoint deadline = net::After(kPatience);
  auto found = co_await directory_.GetAccounts(accounts, deadline);
  // Only a plain word of the directory ends a session. One account that cannot be read must not keep the others' from being heard.
  if (!found.ok()) {
    const bool away = absl::IsUnavailable(found.status()) || absl::IsDeadlineExceeded(found.status());
    if (away || accounts.size() < 2 || stopped_) co_return;
    const auto middle = accounts.begin() + static_cast<std::ptrdiff_t>(accounts.size() / 2);
    co_await Check(std::vector<std::string>(accounts.begin(), middle));
    co_await Check(std::vector<std::string>(middle, accounts.end()));
    co_return;
  }
  for (size_t i = 0; i < accounts.size() && !stopped_; ++i) {
    if ((*found)[i].account_id().empty() || (*found)[i].disabled()) sessions_.end(accounts[i]);
  }
}

}  // namespace mailmesh::auth
