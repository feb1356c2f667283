// SortMessages and ThreadMessages: the messages that match, in an order, next to the data (RFC 5256).

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/hash/hash.h"
#include "common/base/status.h"
#include "common/mime/base_subject.h"
#include "common/mime/header.h"
#include "common/mime/message_id.h"
#include "services/mailbox_store/engine/errors.h"
#include "services/mailbox_store/engine/reads.h"
#include "services/mailbox_store/engine/search_program.h"
#include "services/mailbox_store/engine/sort_keys.h"
#include "services/mailbox_store/engine/thread_forest.h"

namespace mailmesh::mailbox_store {
namespace {

using mailbox::v1::SortMessagesRequest;
using mailbox::v1::SortMessagesResponse;
using mailbox::v1::ThreadMessagesRequest;
using mailbox::v1::ThreadMessagesResponse;

// How long it is searched before the caller is asked, by an empty response, whether it is still there.
constexpr auto kStep = std::chrono::milliseconds(100);
constexpr int kMessagesBetweenLooks = 64;
constexpr size_t kUidsInResponse = 32'768;

// Texts that are compared for equality only; never 0.
uint64_t HashOf(std::string_view text) { return absl::HashOf(text) | 1; }

// Gathers the messages that match, step by step.
class Gatherer {
 public:
  template <class Request>
  static absl::StatusOr<std::unique_ptr<Gatherer>> Open(Store& store, const Request& request) {
    ASSIGN_OR_RETURN(auto scope, ReadScope::Open(store, request.account_id()));
    const std::optional<MailboxId> id = ParseMailboxId(request.mailbox_id());
    if (!id) return MailboxNotFound(request.mailbox_id());
    ASSIGN_OR_RETURN(const storage::v1::MailboxRecord mailbox, scope->Mailbox(*id));
    UidSet within = UidSet::All();
    if (request.has_within()) {
      ASSIGN_OR_RETURN(within, UidSet::FromProto(request.within()));
    }
    ASSIGN_OR_RETURN(auto program, SearchProgram::Make(*scope, mailbox, request.key()));
    return std::make_unique<Gatherer>(std::move(scope), *id, std::move(within), std::move(program));
  }

  Gatherer(std::unique_ptr<ReadScope> scope, MailboxId id, UidSet within, std::unique_ptr<SearchProgram> program)
      : scope_(std::move(scope)),
        within_(std::move(within)),
        program_(std::move(program)),
        message_(*scope_, id),
        scan_(*scope_, id, within_) {}

  // Calls take(StoredMessage&) for what matches; true: there may be more.
  template <class Take>
  absl::StatusOr<bool> Step(Take take) {
    const auto end = std::chrono::steady_clock::now() + kStep;
    for (int i = 1;; ++i) {
      if (i % kMessagesBetweenLooks == 0 && std::chrono::steady_clock::now() >= end) return true;
      ASSIGN_OR_RETURN(const bool more, scan_.Next());
      if (!more) return false;
      message_.MoveTo(scan_);
      ASSIGN_OR_RETURN(const bool matches, program_->Matches(message_));
      if (matches) RETURN_IF_ERROR(take(message_));
    }
  }

 private:
  const std::unique_ptr<ReadScope> scope_;
  const UidSet within_;
  const std::unique_ptr<SearchProgram> program_;
  StoredMessage message_;
  MessageScan scan_;
};

class SortReader final : public StreamReader<SortMessagesResponse> {
 public:
  SortReader(std::unique_ptr<Gatherer> gatherer, const SortKeys::Criteria& criteria)
      : gatherer_(std::move(gatherer)), keys_(criteria) {}

  absl::StatusOr<bool> Next(SortMessagesResponse* response) override {
    if (gatherer_ != nullptr) {
      ASSIGN_OR_RETURN(const bool more, gatherer_->Step([this](StoredMessage& message) { return keys_.Add(message); }));
      if (more) return true;
      gatherer_.reset();
      sorted_ = std::move(keys_).Sort();
    }
    const size_t end = std::min(sorted_.size(), next_ + kUidsInResponse);
    if (next_ == end) return false;
    response->mutable_uids()->Add(sorted_.begin() + static_cast<ptrdiff_t>(next_),
                                  sorted_.begin() + static_cast<ptrdiff_t>(end));
    next_ = end;
    return true;
  }
  bool NextIsAtHand() const override { return gatherer_ == nullptr; }

 private:
  std::unique_ptr<Gatherer> gatherer_;
  SortKeys keys_;
  std::vector<uint32_t> sorted_;
  size_t next_ = 0;
};

// RFC 5256, 3 (REFERENCES): the ids of a message and of its references, as hashes.
class ReferenceFinder {
 public:
  absl::Status Find(StoredMessage& message) {
    ASSIGN_OR_RETURN(const SearchRecord* record, message.Search());
    references_.clear();
    id_ = FirstId(record->texts[kMessageId]);
    TakeIds(record->texts[kReferences]);
    if (record->IsCut(kReferences)) {
      // The last one is the parent.
      ASSIGN_OR_RETURN(const std::string header, message.Header());
      references_.clear();
      AddFromHeader(header);
    }
    if (!references_.empty()) return absl::OkStatus();
    if (const uint64_t parent = FirstId(record->texts[kInReplyTo]); parent != 0) references_.push_back(parent);
    return absl::OkStatus();
  }

  uint64_t id() const { return id_; }
  std::span<const uint64_t> references() const { return references_; }

 private:
  uint64_t FirstId(std::string_view text) {
    const auto id = mime::TakeMessageId(&text, &scratch_);
    return id ? HashOf(*id) : 0;
  }

  void TakeIds(std::string_view text) {
    while (const auto id = mime::TakeMessageId(&text, &scratch_)) references_.push_back(HashOf(*id));
  }

  void AddFromHeader(std::string_view header) {
    mime::HeaderReader reader(header);
    mime::HeaderField field;
    while (reader.Next(&field)) {
      if (field.has_colon && mime::NameEquals(field.name, "References")) TakeIds(field.value);
    }
  }

  uint64_t id_ = 0;
  std::vector<uint64_t> references_;
  std::string scratch_;
};

class ThreadReader final : public StreamReader<ThreadMessagesResponse> {
 public:
  ThreadReader(std::unique_ptr<Gatherer> gatherer, bool by_references)
      : gatherer_(std::move(gatherer)), by_references_(by_references) {}

  absl::StatusOr<bool> Next(ThreadMessagesResponse* response) override {
    if (gatherer_ != nullptr) {
      ASSIGN_OR_RETURN(const bool more, gatherer_->Step([this](StoredMessage& message) { return Add(message); }));
      if (more) return true;
      gatherer_.reset();
      lines_ = by_references_ ? std::move(threader_).Finish() : ThreadBySubject(messages_);
    }
    const size_t end = std::min(lines_.size(), next_ + kUidsInResponse);
    if (next_ == end) return false;
    response->mutable_uids()->Reserve(static_cast<int>(end - next_));
    response->mutable_depths()->Reserve(static_cast<int>(end - next_));
    for (; next_ < end; ++next_) {
      response->add_uids(lines_[next_].uid);
      response->add_depths(lines_[next_].depth);
    }
    return true;
  }
  bool NextIsAtHand() const override { return gatherer_ == nullptr; }

 private:
  absl::Status Add(StoredMessage& message) {
    ThreadedMessage threaded;
    threaded.uid = message.uid();
    ASSIGN_OR_RETURN(threaded.sent_seconds, SentSeconds(message));
    ASSIGN_OR_RETURN(const SearchRecord* record, message.Search());
    const mime::BaseSubject base = mime::ExtractBaseSubject(record->First(kSubject));
    threaded.is_reply = base.is_reply;
    if (!base.text.empty()) threaded.subject = HashOf(base.text);
    if (!by_references_) {
      messages_.push_back(threaded);
      return absl::OkStatus();
    }
    RETURN_IF_ERROR(finder_.Find(message));
    threader_.Add(threaded, finder_.id(), finder_.references());
    return absl::OkStatus();
  }

  std::unique_ptr<Gatherer> gatherer_;
  const bool by_references_;
  ReferenceFinder finder_;
  std::vector<ThreadedMessage> messages_;
  ReferenceThreader threader_;
  std::vector<ThreadLine> lines_;
  size_t next_ = 0;
};

}  // namespace

absl::StatusOr<StreamReaderPtr<SortMessagesResponse>> SortMessages(Store& store, const SortMessagesRequest& request) {
  RETURN_IF_ERROR(SortKeys::Check(request.criteria()));
  ASSIGN_OR_RETURN(auto gatherer, Gatherer::Open(store, request));
  return std::make_unique<SortReader>(std::move(gatherer), request.criteria());
}

absl::StatusOr<StreamReaderPtr<ThreadMessagesResponse>> ThreadMessages(Store& store,
                                                                       const ThreadMessagesRequest& request) {
  if (request.algorithm() != ThreadMessagesRequest::ALGORITHM_ORDEREDSUBJECT &&
      request.algorithm() != ThreadMessagesRequest::ALGORITHM_REFERENCES) {
    return InvalidRequest("threading algorithm");
  }
  ASSIGN_OR_RETURN(auto gatherer, Gatherer::Open(store, request));
  return std::make_unique<ThreadReader>(std::move(gatherer),
                                        request.algorithm() == ThreadMessagesRequest::ALGORITHM_REFERENCES);
}

}  // namespace mailmesh::mailbox_store
