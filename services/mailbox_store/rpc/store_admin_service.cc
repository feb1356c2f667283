#include "services/mailbox_store/rpc/store_admin_service.h"

#include "services/mailbox_store/engine/quota.h"

namespace mailmesh::mailbox_store {

using namespace mailbox::v1;  // NOLINT: every message of the contract
using Service = StoreAdminServiceImpl;

Service::Unary* Service::SetQuota(Context* context, In<SetQuotaRequest> request, SetQuotaResponse* response) {
  return Change<Operation::kQuota, &mailbox_store::SetQuota>(context, request, response);
}

Service::Unary* Service::ListQuotas(Context* context, In<ListQuotasRequest> request, ListQuotasResponse* response) {
  return Read<Operation::kQuota, &mailbox_store::ListQuotas>(context, request, response);
}

}  // namespace mailmesh::mailbox_store
