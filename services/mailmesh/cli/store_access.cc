#include "services/mailmesh/cli/store_access.h"

#include "common/base/status.h"

namespace mailmesh::cli {

absl::StatusOr<AccountStore> OpenStore(Context& context, const std::string& address) {
  AccountStore store;
  ASSIGN_OR_RETURN(store.account, FindAccount(context, address));
  ASSIGN_OR_RETURN(const auto channel, context.ChannelToShard(store.account.shard));
  store.stub = mailbox::v1::MailboxService::NewStub(channel);
  return store;
}

}  // namespace mailmesh::cli
