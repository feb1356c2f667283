// Reads that answer at once, or piece by piece. All see one snapshot of what is durable.
//
// Thread-safety: free functions by any thread; a reader belongs to one at a time. They block: never on an I/O or gRPC
// thread.
#ifndef MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_READS_H_
#define MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_READS_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "mailmesh/mailbox/v1/mailbox_service.pb.h"
#include "services/mailbox_store/engine/change.h"
#include "services/mailbox_store/engine/read_scope.h"

namespace mailmesh::mailbox_store {

// Octets in one streamed response.
inline constexpr size_t kResponseOctets = 256 << 10;

absl::StatusOr<mailbox::v1::ListMailboxesResponse> ListMailboxes(Store& store,
                                                                 const mailbox::v1::ListMailboxesRequest& request);
absl::StatusOr<mailbox::v1::GetMailboxStatusResponse> GetMailboxStatus(Store& store,
                                                                       const mailbox::v1::GetMailboxStatusRequest& request);
absl::StatusOr<mailbox::v1::OpenMailboxResponse> ReadOpenMailbox(Store& store,
                                                                 const mailbox::v1::OpenMailboxRequest& request);
void FillOpenResponse(const Store& store, MailboxId id, const storage::v1::MailboxRecord& record,
                      mailbox::v1::OpenMailboxResponse* response);

// `cancelled` is asked now and then; Cancelled then.
absl::StatusOr<mailbox::v1::SearchMessagesResponse> SearchMessages(Store& store,
                                                                   const mailbox::v1::SearchMessagesRequest& request,
                                                                   const std::function<bool()>& cancelled);

// A pull-based stream: each call fills the next response; false after the last one, with `response` untouched.
template <class Response>
class StreamReader {
 public:
  virtual ~StreamReader() = default;
  virtual absl::StatusOr<bool> Next(Response* response) = 0;
  // False where the next response may take long, as in a job that tells how far it is: what there is must be sent first.
  virtual bool NextIsAtHand() const { return true; }
};
template <class Response>
using StreamReaderPtr = std::unique_ptr<StreamReader<Response>>;

absl::StatusOr<StreamReaderPtr<mailbox::v1::ReadViewResponse>> ReadView(Store& store,
                                                                        const mailbox::v1::ReadViewRequest& request);
// In maildrop.cc.
absl::StatusOr<StreamReaderPtr<mailbox::v1::ListMaildropResponse>> ListMaildrop(
    Store& store, const mailbox::v1::ListMaildropRequest& request);
absl::StatusOr<StreamReaderPtr<mailbox::v1::FetchSummariesResponse>> FetchSummaries(
    Store& store, const mailbox::v1::FetchSummariesRequest& request);
absl::StatusOr<StreamReaderPtr<mailbox::v1::FetchContentResponse>> FetchContent(
    Store& store, const mailbox::v1::FetchContentRequest& request);
absl::StatusOr<mailbox::v1::GetContentResponse> GetContent(Store& store, const mailbox::v1::GetContentRequest& request);
// Responses that are empty come while it is still searched.
absl::StatusOr<StreamReaderPtr<mailbox::v1::SortMessagesResponse>> SortMessages(
    Store& store, const mailbox::v1::SortMessagesRequest& request);
absl::StatusOr<StreamReaderPtr<mailbox::v1::ThreadMessagesResponse>> ThreadMessages(
    Store& store, const mailbox::v1::ThreadMessagesRequest& request);

// Messages in one change; a change of more is not told but read again as a view.
inline constexpr size_t kMaxChangeMessages = 200'000;

// What happened to a mailbox after `after_modseq`, as one change. NotFound if the mailbox is gone; OutOfRange when it is too
// much to tell, or `after_modseq` lies in the future.
absl::StatusOr<MailboxChange> ReadChanges(Store& store, std::string_view account_id, MailboxId mailbox,
                                          uint64_t after_modseq);

// Appends to a page of the contract, whose UIDs are differences to the one before.
class ViewPageWriter {
 public:
  explicit ViewPageWriter(mailbox::v1::ViewPage* page) : page_(page) {}
  void Add(uint32_t uid, Flags flags, uint64_t modseq) {
    page_->add_uid_deltas(uid - last_);
    page_->add_flags(flags);
    page_->add_modseqs(modseq);
    last_ = uid;
  }

 private:
  mailbox::v1::ViewPage* page_;
  uint32_t last_ = 0;
};

}  // namespace mailmesh::mailbox_store

#endif  // MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_READS_H_
