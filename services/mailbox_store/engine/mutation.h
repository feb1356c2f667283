// The frame that all operations on one account share: find it, lock it, look whether the request was done before, stage, commit.
//
// Internal to the operations. Thread-safety: free functions.
#ifndef MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_MUTATION_H_
#define MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_MUTATION_H_

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "common/base/status.h"
#include "services/mailbox_store/engine/errors.h"
#include "services/mailbox_store/engine/operations.h"
#include "services/mailbox_store/engine/store.h"
#include "services/mailbox_store/engine/txn.h"

namespace mailmesh::mailbox_store {

inline constexpr size_t kMaxRequestId = 128;

// Letters of operations in the keys of remembered requests: on disk.
enum RequestLetter : char {
  kAppendRequest = 'A',
  kCopyRequest = 'C',
  kDeliverRequest = 'D',
  kExpungeRequest = 'E',
  kFetchJobRequest = 'J',
  kMoveRequest = 'M',
  kCreateRequest = 'N',
  kMaildropRequest = 'P',
  kRenameRequest = 'R',
  kStoreRequest = 'S',
  kSubscribeRequest = 'U',
  kDeleteRequest = 'X',
};

inline absl::Status CheckRequestId(std::string_view request_id) {
  if (request_id.empty() || request_id.size() > kMaxRequestId) return InvalidRequest("request_id must have 1 to 128 octets");
  return absl::OkStatus();
}

// What may be tuned by the staging function.
struct MutationOptions {
  Store::CommitOptions commit;
};

// Runs `stage(Txn&, Response*, MutationOptions&) -> absl::Status` on the account that `find() -> StatusOr<AccountPtr>` gives, remembers
// the response under the request's id (unless `letter` is 0), and commits. A request that was done before is answered as
// then; the answer still waits for what the head holds, for the first one may not be durable yet.
template <class Response, class Find, class Stage>
void MutateFound(Store& store, Find find, char letter, std::string_view request_id, Done<Response> done, Stage stage,
                 MutationOptions options = {}) {
  auto run = [&]() -> absl::Status {
    if (letter != 0) RETURN_IF_ERROR(CheckRequestId(request_id));
    ASSIGN_OR_RETURN(const AccountPtr account, find());
    absl::MutexLock lock(&account->mutex);
    kv::Batch batch;
    Txn txn(store, account, &batch);
    RETURN_IF_ERROR(txn.Begin());
    Response response;
    std::optional<std::string> before;
    if (letter != 0) {
      ASSIGN_OR_RETURN(before, txn.FindRequest(letter, request_id));
    }
    if (before) {
      if (!response.ParseFromString(*before)) return Damaged("remembered request");
    } else {
      RETURN_IF_ERROR(stage(txn, &response, options));
      if (letter != 0) txn.RememberRequest(letter, request_id, response.SerializeAsString());
    }
    // Shared with the completion: the commit may be refused, and `done` must then still be here.
    auto answer = std::make_shared<Done<Response>>(std::move(done));
    const absl::Status committed =
        store.Commit({&txn}, batch, options.commit,
                     [answer, response = std::move(response)](const absl::Status& status) mutable {
                       if (status.ok()) {
                         (*answer)(std::move(response));
                       } else {
                         (*answer)(status);
                       }
                     });
    if (!committed.ok()) done = std::move(*answer);
    return committed;
  };
  const absl::Status status = run();
  if (!status.ok()) done(status);
}

// The same, on the account of the directory's id.
template <class Response, class Stage>
void Mutate(Store& store, std::string_view account_id, char letter, std::string_view request_id, Done<Response> done,
            Stage stage, MutationOptions options = {}) {
  MutateFound<Response>(
      store, [&] { return store.FindAccount(account_id); }, letter, request_id, std::move(done), std::move(stage), options);
}

}  // namespace mailmesh::mailbox_store

#endif  // MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_MUTATION_H_
