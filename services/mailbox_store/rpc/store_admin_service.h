// mailmesh.mailbox.v1.StoreAdminService: one line for each RPC; the work is in engine/.
//
// Thread-safe; called on gRPC's threads, runs on the pools and I/O threads it is given.
#ifndef MAILMESH_SERVICES_MAILBOX_STORE_RPC_STORE_ADMIN_SERVICE_H_
#define MAILMESH_SERVICES_MAILBOX_STORE_RPC_STORE_ADMIN_SERVICE_H_

#include "mailmesh/mailbox/v1/store_admin_service.grpc.pb.h"
#include "services/mailbox_store/rpc/service_base.h"

namespace mailmesh::mailbox_store {

class StoreAdminServiceImpl final : public mailbox::v1::StoreAdminService::CallbackService, private ServiceBase {
 public:
  // Streams wait for long work: `parts.reads` is a pool that nobody else needs.
  explicit StoreAdminServiceImpl(const ServiceParts& parts) : ServiceBase(parts) {}

  using Context = grpc::CallbackServerContext;
  template <class Message>
  using In = const Message*;
  using Unary = grpc::ServerUnaryReactor;

  Unary* SetQuota(Context*, In<mailbox::v1::SetQuotaRequest>, mailbox::v1::SetQuotaResponse*) override;
  Unary* ListQuotas(Context*, In<mailbox::v1::ListQuotasRequest>, mailbox::v1::ListQuotasResponse*) override;
  grpc::ServerWriteReactor<mailbox::v1::CreateBackupResponse>* CreateBackup(
      Context*, In<mailbox::v1::CreateBackupRequest>) override;
  Unary* ListBackups(Context*, In<mailbox::v1::ListBackupsRequest>, mailbox::v1::ListBackupsResponse*) override;
  Unary* DeleteBackup(Context*, In<mailbox::v1::DeleteBackupRequest>, mailbox::v1::DeleteBackupResponse*) override;
  grpc::ServerWriteReactor<mailbox::v1::VerifyStoreResponse>* VerifyStore(Context*,
                                                                          In<mailbox::v1::VerifyStoreRequest>) override;
};

}  // namespace mailmesh::mailbox_store

#endif  // MAILMESH_SERVICES_MAILBOX_STORE_RPC_STORE_ADMIN_SERVICE_H_
