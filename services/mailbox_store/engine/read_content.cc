// FetchContent: octets of messages and of their parts, in pieces, packed where they are small.

#include <algorithm>

#include "common/base/status.h"
#include "common/mime/transfer_encoding.h"
#include "services/mailbox_store/engine/errors.h"
#include "services/mailbox_store/engine/reads.h"
#include "services/mailbox_store/engine/section.h"
#include "services/mailbox_store/engine/summary.h"

namespace mailmesh::mailbox_store {
namespace {

using mailbox::v1::ContentChunk;
using mailbox::v1::FetchContentRequest;
using mailbox::v1::FetchContentResponse;
using mailbox::v1::GetContentRequest;
using mailbox::v1::GetContentResponse;

constexpr int kMaxSelectors = 100;
// What a chunk costs beside its octets.
constexpr size_t kChunkOverhead = 32;

// The octets of one section, piece by piece, after decoding and the partial.
class SectionReader {
 public:
  // Knows its length once this returns: what is decoded is decoded twice, for its length and for its octets.
  absl::Status Open(ContentSource* source, Section section, uint64_t offset, uint64_t length) {
    source_ = source;
    section_ = std::move(section);
    uint64_t whole = section_.length;
    if (section_.made) whole = section_.made->size();
    if (section_.decode) {
      ASSIGN_OR_RETURN(whole, DecodedLength());
    }
    begin_ = std::min(offset, whole);
    end_ = length == 0 ? whole : std::min(whole, begin_ + std::min(length, whole - begin_));
    at_ = begin_;
    if (section_.decode) RETURN_IF_ERROR(SkipDecoded(begin_));
    return absl::OkStatus();
  }

  uint64_t total() const { return end_ - begin_; }
  bool ended() const { return at_ >= end_; }

  // At most `room` octets, at least one unless ended.
  absl::Status Append(size_t room, std::string* out) {
    const uint64_t want = std::min<uint64_t>(room, end_ - at_);
    if (want == 0) return absl::OkStatus();
    if (section_.made) {
      out->append(*section_.made, at_, want);
      at_ += want;
    } else if (section_.decode) {
      RETURN_IF_ERROR(FillDecoded());
      const size_t taken = std::min<size_t>(want, decoded_.size());
      if (taken == 0) return Damaged("decoded content is shorter than before");
      out->append(decoded_, 0, taken);
      decoded_.erase(0, taken);
      at_ += taken;
    } else {
      ASSIGN_OR_RETURN(const std::string_view piece, source_->Read(section_.offset + at_, want));
      out->append(piece);
      at_ += piece.size();
    }
    return absl::OkStatus();
  }

 private:
  // Decodes the next piece into decoded_; false at the end of the section.
  absl::StatusOr<bool> DecodeMore() {
    if (raw_ended_) return false;
    if (raw_at_ >= section_.length) {
      decoder_->Finish(&decoded_);
      raw_ended_ = true;
      return true;
    }
    ASSIGN_OR_RETURN(const std::string_view piece, source_->Read(section_.offset + raw_at_, section_.length - raw_at_));
    decoder_->Append(piece, &decoded_);
    raw_at_ += piece.size();
    return true;
  }

  void Rewind() {
    decoder_.emplace(*section_.decode);
    raw_at_ = 0;
    raw_ended_ = false;
    decoded_.clear();
  }

  absl::StatusOr<uint64_t> DecodedLength() {
    Rewind();
    uint64_t length = 0;
    while (true) {
      ASSIGN_OR_RETURN(const bool more, DecodeMore());
      length += decoded_.size();
      decoded_.clear();
      if (!more) return length;
    }
  }

  absl::Status SkipDecoded(uint64_t octets) {
    Rewind();
    while (octets > 0) {
      RETURN_IF_ERROR(FillDecoded());
      const size_t skipped = std::min<uint64_t>(octets, decoded_.size());
      if (skipped == 0) return absl::OkStatus();
      decoded_.erase(0, skipped);
      octets -= skipped;
    }
    return absl::OkStatus();
  }

  absl::Status FillDecoded() {
    while (decoded_.empty()) {
      ASSIGN_OR_RETURN(const bool more, DecodeMore());
      if (!more) break;
    }
    return absl::OkStatus();
  }

  ContentSource* source_ = nullptr;
  Section section_;
  uint64_t begin_ = 0;
  uint64_t end_ = 0;
  uint64_t at_ = 0;
  std::optional<mime::TransferDecoder> decoder_;
  uint64_t raw_at_ = 0;
  bool raw_ended_ = false;
  std::string decoded_;
};

class ContentReader final : public StreamReader<FetchContentResponse> {
 public:
  using Selectors = google::protobuf::RepeatedPtrField<mailbox::v1::ContentSelector>;

  ContentReader(std::unique_ptr<ReadScope> scope, MailboxId id, UidSet uids, const Selectors& selectors)
      : scope_(std::move(scope)),
        uids_(std::move(uids)),
        selectors_(selectors.begin(), selectors.end()),
        scan_(*scope_, id, uids_),
        entries_(PagedColumn::Entries(*scope_, id)),
        structures_(PagedColumn::Summaries(*scope_, id, SummaryKind::kStructure)) {}

  absl::StatusOr<bool> Next(FetchContentResponse* response) override { return Fill(response); }

  // `response` has chunks.
  template <class Response>
  absl::StatusOr<bool> Fill(Response* response) {
    size_t octets = 0;
    while (octets < kResponseOctets) {
      if (!section_open_) {
        ASSIGN_OR_RETURN(const bool more, NextSection(response, &octets));
        if (!more) break;
        continue;
      }
      ContentChunk* chunk = response->add_chunks();
      Label(chunk);
      if (first_) {
        chunk->set_first(true);
        chunk->set_total_bytes(section_.total());
        first_ = false;
      }
      while (!section_.ended() && octets < kResponseOctets) {
        const size_t before = chunk->octets().size();
        RETURN_IF_ERROR(section_.Append(kResponseOctets - octets, chunk->mutable_octets()));
        octets += chunk->octets().size() - before;
      }
      octets += kChunkOverhead;
      if (section_.ended()) {
        chunk->set_last(true);
        section_open_ = false;
      }
    }
    return response->chunks_size() > 0;
  }

  // Whether there is more of the message that the last response ended with.
  bool within_message() const { return section_open_ || (source_ != nullptr && selector_ < selectors_.size()); }

 private:
  void Label(ContentChunk* chunk) const {
    chunk->set_uid(scan_.uid());
    chunk->set_selector(static_cast<uint32_t>(selector_ - 1));
  }

  absl::Status OpenMessage() {
    ASSIGN_OR_RETURN(const std::string_view octets, entries_.At(scan_.uid()));
    EntryRecord entry;
    if (!entry.Decode(octets)) return Damaged("entry");
    source_ = std::make_unique<ContentSource>(*scope_, entry, scan_.record().size);
    structure_.reset();
    selector_ = 0;
    return absl::OkStatus();
  }

  absl::StatusOr<const mime::Structure*> Structure() {
    if (!structure_) {
      ASSIGN_OR_RETURN(const std::string_view octets, structures_.At(scan_.uid()));
      storage::v1::MessageStructure stored;
      if (!stored.ParseFromArray(octets.data(), static_cast<int>(octets.size()))) return Damaged("structure");
      structure_ = ToMime(stored);
    }
    return &*structure_;
  }

  // Opens the next section that has octets to tell, or says that it is missing; false: all is told.
  template <class Response>
  absl::StatusOr<bool> NextSection(Response* response, size_t* octets) {
    if (source_ == nullptr || selector_ >= selectors_.size()) {
      ASSIGN_OR_RETURN(const bool more, scan_.Next());
      if (!more) return false;
      RETURN_IF_ERROR(OpenMessage());
      if (selectors_.empty()) return true;
    }
    const mailbox::v1::ContentSelector& selector = selectors_[selector_++];
    ASSIGN_OR_RETURN(Section section, ResolveSection(selector, *source_, [this] { return Structure(); }));
    if (section.missing) {
      ContentChunk* chunk = response->add_chunks();
      Label(chunk);
      chunk->set_first(true);
      chunk->set_last(true);
      chunk->set_missing(true);
      *octets += kChunkOverhead;
      return true;
    }
    section_ = SectionReader();
    RETURN_IF_ERROR(section_.Open(source_.get(), std::move(section), selector.offset(), selector.length()));
    section_open_ = true;
    first_ = true;
    return true;
  }

  const std::unique_ptr<ReadScope> scope_;
  const UidSet uids_;
  const std::vector<mailbox::v1::ContentSelector> selectors_;
  MessageScan scan_;
  PagedColumn entries_;
  PagedColumn structures_;
  std::unique_ptr<ContentSource> source_;
  std::optional<mime::Structure> structure_;
  size_t selector_ = 0;
  SectionReader section_;
  bool section_open_ = false;
  bool first_ = false;
};

absl::StatusOr<std::unique_ptr<ContentReader>> OpenContent(Store& store, const std::string& account_id,
                                                           const std::string& mailbox_id, UidSet uids,
                                                           const ContentReader::Selectors& selectors) {
  if (selectors.size() > kMaxSelectors) return InvalidRequest("at most 100 selectors");
  ASSIGN_OR_RETURN(auto scope, ReadScope::Open(store, account_id));
  const std::optional<MailboxId> id = ParseMailboxId(mailbox_id);
  if (!id) return MailboxNotFound(mailbox_id);
  RETURN_IF_ERROR(scope->Mailbox(*id));
  return std::make_unique<ContentReader>(std::move(scope), *id, std::move(uids), selectors);
}

}  // namespace

absl::StatusOr<StreamReaderPtr<FetchContentResponse>> FetchContent(Store& store, const FetchContentRequest& request) {
  ASSIGN_OR_RETURN(UidSet uids, UidSet::FromProto(request.uids()));
  return OpenContent(store, request.account_id(), request.mailbox_id(), std::move(uids), request.selectors());
}

absl::StatusOr<GetContentResponse> GetContent(Store& store, const GetContentRequest& request) {
  if (request.uid() == 0) return InvalidRequest("UID 0");
  UidSet uids = UidSet::Single(request.uid(), request.uid());
  ASSIGN_OR_RETURN(const auto reader, OpenContent(store, request.account_id(), request.mailbox_id(), std::move(uids),
                                                  request.selectors()));
  GetContentResponse response;
  RETURN_IF_ERROR(reader->Fill(&response));
  response.set_more(reader->within_message());
  return response;
}

}  // namespace mailmesh::mailbox_store
