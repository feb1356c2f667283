// The records of an account that springs into being: itself, INBOX, and a mailbox for each special use.
//
// Thread-safety: free functions.
#ifndef MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_NEW_ACCOUNT_H_
#define MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_NEW_ACCOUNT_H_

#include <string_view>

#include "common/base/ids.h"
#include "common/kv/batch.h"
#include "services/mailbox_store/engine/store.h"

namespace mailmesh::mailbox_store {

// Nobody else knows the number yet: no lock.
void WriteNewAccount(const Store& store, AccountId number, std::string_view account_id, kv::Batch& batch);

}  // namespace mailmesh::mailbox_store

#endif  // MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_NEW_ACCOUNT_H_
