// An account's store, as commands on mailboxes and messages need it.
#ifndef MAILMESH_SERVICES_MAILMESH_CLI_STORE_ACCESS_H_
#define MAILMESH_SERVICES_MAILMESH_CLI_STORE_ACCESS_H_

#include <memory>
#include <string>

#include "mailmesh/mailbox/v1/mailbox_service.grpc.pb.h"
#include "services/mailmesh/cli/context.h"

namespace mailmesh::cli {

using StoreStub = mailbox::v1::MailboxService::Stub;

struct AccountStore {
  AccountRef account;
  std::unique_ptr<StoreStub> stub;
};

// Finds the account in the directory and its shard. NotFound where there is no such account.
absl::StatusOr<AccountStore> OpenStore(Context& context, const std::string& address);

// The addresses of all accounts, by id.
absl::StatusOr<std::map<std::string, std::string>> AddressesById(Context& context);

}  // namespace mailmesh::cli

#endif  // MAILMESH_SERVICES_MAILMESH_CLI_STORE_ACCESS_H_
