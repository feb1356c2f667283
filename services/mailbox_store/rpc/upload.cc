// UploadBody: a stream of octets into an upload, chunk by chunk on the pool.

#include "services/mailbox_store/engine/errors.h"
#include "services/mailbox_store/engine/uploads.h"
#include "services/mailbox_store/rpc/mailbox_service.h"

namespace mailmesh::mailbox_store {
namespace {

using mailbox::v1::UploadBodyRequest;
using mailbox::v1::UploadBodyResponse;
using Writer = std::shared_ptr<Uploads::Writer>;  // shared by the handler and the work on the pool

asio::awaitable<absl::Status> Receive(base::WorkerPool& pool, Store* store, rpc::ServerReader<UploadBodyRequest>& reader,
                                      UploadBodyResponse& response) {
  auto begin = [store]() -> absl::StatusOr<Writer> {
    absl::StatusOr<std::unique_ptr<Uploads::Writer>> begun = store->uploads().Begin();
    if (!begun.ok()) return begun.status();
    return Writer(std::move(begun).value());
  };
  absl::StatusOr<Writer> begun = co_await service::OnPool(pool, std::move(begin));
  if (!begun.ok()) co_return begun.status();
  Writer writer = std::move(begun).value();
  while (true) {
    absl::StatusOr<std::optional<UploadBodyRequest>> request = co_await reader.Read();
    if (!request.ok()) co_return request.status();
    if (!request->has_value()) break;
    std::string octets = std::move(*(*request)->mutable_chunk()->mutable_octets());
    if (octets.size() > kChunkSize) co_return InvalidRequest("a chunk has at most 256 KiB");
    auto append = [writer, octets = std::move(octets)] { return writer->Append(octets); };
    absl::Status appended = co_await service::OnPool(pool, std::move(append));
    if (!appended.ok()) co_return appended;
  }
  response.set_size_bytes(writer->size());
  auto finish = [writer] { return writer->Finish(); };
  absl::StatusOr<std::string> id = co_await service::OnPool(pool, std::move(finish));
  if (!id.ok()) co_return id.status();
  response.set_upload_id(*id);
  co_return absl::OkStatus();
}

}  // namespace

asio::awaitable<absl::Status> MailboxServiceImpl::OnUpload(rpc::CallInfo, rpc::ServerReader<UploadBodyRequest>& reader,
                                                           UploadBodyResponse& response) {
  const OperationTimer timer(parts_.store.metrics(), Operation::kUpload);
  absl::Status status = co_await Receive(parts_.changes, &parts_.store, reader, response);
  timer.Finish(status);
  co_return status;
}

}  // namespace mailmesh::mailbox_store
