// Records of the database as the values that the rest works with.
#ifndef MAILMESH_SERVICES_DIRECTORY_CREDENTIAL_RECORDS_H_
#define MAILMESH_SERVICES_DIRECTORY_CREDENTIAL_RECORDS_H_

#include "common/base/ids.h"
#include "common/sasl/credentials.h"
#include "mailmesh/directory/v1/directory_service.pb.h"
#include "mailmesh/storage/v1/directory.pb.h"

namespace mailmesh::directory {

storage::v1::DirectoryCredentialRecord ToRecord(const sasl::Credentials& credentials);
sasl::Credentials FromRecord(AccountId id, const storage::v1::DirectoryCredentialRecord& record);
v1::Account ToAccount(AccountId id, const storage::v1::DirectoryAccountRecord& record);

}  // namespace mailmesh::directory

#endif  // MAILMESH_SERVICES_DIRECTORY_CREDENTIAL_RECORDS_H_
