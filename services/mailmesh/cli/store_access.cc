#include "services/mailmesh/cli/store_access.h"

#include "common/base/status.h"
#include "mailmesh/directory/v1/directory_admin_service.grpc.pb.h"

namespace mailmesh::cli {

absl::StatusOr<AccountStore> OpenStore(Context& context, const std::string& address) {
  AccountStore store;
  ASSIGN_OR_RETURN(store.account, FindAccount(context, address));
  ASSIGN_OR_RETURN(const auto channel, context.ChannelToShard(store.account.shard));
  store.stub = mailbox::v1::MailboxService::NewStub(channel);
  return store;
}

absl::StatusOr<std::map<std::string, std::string>> AddressesById(Context& context) {
  using directory::v1::DirectoryAdminService;
  ASSIGN_OR_RETURN(const auto stub, Connect<DirectoryAdminService>(context, "directory"));
  std::map<std::string, std::string> addresses;
  directory::v1::ListAccountsRequest request;
  do {
    ASSIGN_OR_RETURN(const auto page, Call(stub.get(), &DirectoryAdminService::Stub::ListAccounts, request));
    for (const auto& account : page.accounts()) addresses[account.account_id()] = account.address();
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return addresses;
}

}  // namespace mailmesh::cli
