// Ends the sessions of accounts that have been disabled or deleted, by whatever way: asks the directory about every account
// that has sessions here, each once in a period, a hundred at a time, spread evenly over it: such sessions end within two periods.
// A directory that does not answer ends nothing.
//
//   auto watch = std::make_shared<auth::AccountWatch>(executor, channel, auth::AccountWatch::Of(registry));
//   watch->Start();
//   ... watch->Stop();
//
// Owners: the one who starts it and its coroutine, which ends soon after Stop(). Thread-safety: Start() and Stop() from any
// thread.
#ifndef MAILMESH_COMMON_AUTH_ACCOUNT_WATCH_H_
#define MAILMESH_COMMON_AUTH_ACCOUNT_WATCH_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/auth/directory_client.h"
#include "common/net/awaitable.h"
#include "common/net/event.h"

namespace mailmesh::auth {

class AccountWatch : public std::enable_shared_from_this<AccountWatch> {
 public:
  // The sessions of this process, by the address of the account that has logged in. Called on the executor, until Stop().
  struct Sessions {
    std::function<std::vector<std::string>()> accounts;
    std::function<void(const std::string& account)> end;
  };

  // Those of a registry (service::SessionRegistry), which must outlive the watch.
  template <class Registry>
  static Sessions Of(Registry& registry) {
    return {[&registry] { return registry.Accounts(); },
            [&registry](const std::string& account) { registry.KickAccount(account); }};
  }

  AccountWatch(net::Executor executor, std::shared_ptr<grpc::Channel> directory, Sessions sessions,
               net::Duration period = std::chrono::seconds(30));

  void Start();
  void Stop();

 private:
  static net::Awaitable<void> Run(std::shared_ptr<AccountWatch> self);
  net::Awaitable<void> Loop();
  net::Awaitable<void> Check(std::vector<std::string> accounts);

  net::Event stop_event_;
  DirectoryClient directory_;
  const Sessions sessions_;
  const net::Duration period_;
  bool stopped_ = false;
};

}  // namespace mailmesh::auth

#endif  // MAILMESH_COMMON_AUTH_ACCOUNT_WATCH_H_
