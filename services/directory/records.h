// Records of the database as the values that the rest works with.
#ifndef MAILMESH_SERVICES_DIRECTORY_CREDENTIAL_RECORDS_H_
#define MAILMESH_SERVICES_DIRECTORY_CREDENTIAL_RECORDS_H_

#include <string_view>

#include "common/base/ids.h"
#include "common/sasl/credentials.h"
#include "mailmesh/directory/v1/directory_admin_service.pb.h"
#include "mailmesh/directory/v1/directory_service.pb.h"
#include "mailmesh/storage/v1/directory.pb.h"

namespace mailmesh::directory {

storage::v1::DirectoryCredentialRecord ToRecord(const sasl::Credentials& credentials);
sasl::Credentials FromRecord(AccountId id, const storage::v1::DirectoryCredentialRecord& record);
// What parts user and tag in addresses of the domain.
std::string_view SeparatorsOf(const storage::v1::DirectoryDomainRecord& record);
// Without its catch-all.
v1::Domain ToDomain(std::string_view name, const storage::v1::DirectoryDomainRecord& record);
v1::Route ToRoute(std::string_view domain, const storage::v1::DirectoryRouteRecord& record);
v1::Account ToAccount(AccountId id, const storage::v1::DirectoryAccountRecord& record);

}  // namespace mailmesh::directory

#endif  // MAILMESH_SERVICES_DIRECTORY_CREDENTIAL_RECORDS_H_
