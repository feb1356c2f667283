#include "services/mailbox_store/rpc/store_admin_service.h"

#include "services/mailbox_store/engine/backup.h"
#include "services/mailbox_store/engine/quota.h"
#include "services/mailbox_store/engine/verify.h"

namespace mailmesh::mailbox_store {

using namespace mailbox::v1;  // NOLINT: every message of the contract
using Service = StoreAdminServiceImpl;

Service::Unary* Service::SetQuota(Context* context, In<SetQuotaRequest> request, SetQuotaResponse* response) {
  return Change<Operation::kQuota, &mailbox_store::SetQuota>(context, request, response);
}

Service::Unary* Service::ListQuotas(Context* context, In<ListQuotasRequest> request, ListQuotasResponse* response) {
  return Read<Operation::kQuota, &mailbox_store::ListQuotas>(context, request, response);
}

grpc::ServerWriteReactor<CreateBackupResponse>* Service::CreateBackup(Context* context, In<CreateBackupRequest> request) {
  return Stream<Operation::kBackup, &mailbox_store::CreateBackup, CreateBackupResponse>(context, request);
}

Service::Unary* Service::ListBackups(Context* context, In<ListBackupsRequest> request, ListBackupsResponse* response) {
  return Read<Operation::kBackup, &mailbox_store::ListBackups>(context, request, response);
}

Service::Unary* Service::DeleteBackup(Context* context, In<DeleteBackupRequest> request, DeleteBackupResponse* response) {
  return Read<Operation::kBackup, &mailbox_store::DeleteBackup>(context, request, response);
}

grpc::ServerWriteReactor<VerifyStoreResponse>* Service::VerifyStore(Context* context, In<VerifyStoreRequest> request) {
  return Stream<Operation::kVerify, &mailbox_store::VerifyStore, VerifyStoreResponse>(context, request);
}

}  // namespace mailmesh::mailbox_store
