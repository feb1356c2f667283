#include "services/mailbox_store/engine/new_message.h"

#include <algorithm>
#include <limits>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/imap/flags.h"
#include "common/text/ascii.h"
#include "services/mailbox_store/engine/digest.h"
#include "services/mailbox_store/engine/errors.h"
#include "services/mailbox_store/engine/quota.h"
#include "services/mailbox_store/engine/store.h"

namespace mailmesh::mailbox_store {
namespace {

// Parses an uploaded content again, under trace fields that change what is shown of it.
absl::StatusOr<Summary> SummariseUpload(Store& store, std::string_view trace_fields, const Upload& upload) {
  SummaryBuilder builder;
  builder.Feed(trace_fields);
  kv::Value chunk;
  const uint64_t chunks = (upload.size + kChunkSize - 1) / kChunkSize;
  for (uint64_t i = 0; i < chunks; ++i) {
    absl::StatusOr<bool> found = store.db().Get(store.column(ColumnId::kBlobs),
                                                keys::BlobChunk(upload.blob, static_cast<uint32_t>(i)), &chunk);
    if (!found.ok()) return FromKv(std::move(found).status());
    if (!*found) return Damaged("chunk of an upload");
    builder.Feed(chunk.view());
  }
  return std::move(builder).Finish();
}

absl::StatusOr<NewContent> PrepareUpload(Store& store, const type::v1::MessageBody& body) {
  NewContent content;
  ASSIGN_OR_RETURN(content.upload, store.uploads().Pin(body.upload_id()));
  content.blob = content.upload->blob;
  content.trace_fields = body.trace_fields();
  if (HasSummarisedFields(content.trace_fields)) {
    ASSIGN_OR_RETURN(content.summary, SummariseUpload(store, content.trace_fields, *content.upload));
  } else {
    content.summary = content.upload->summary;
    content.summary.ShiftBy(content.trace_fields.size());
  }
  if (!content.trace_fields.empty()) content.prefix = ++content.upload->next_prefix;
  return content;
}

NewContent PrepareInline(Store& store, const type::v1::MessageBody& body) {
  NewContent content;
  content.blob = base::NewId(store.clock());
  content.trace_fields = body.trace_fields();
  content.octets = body.inline_octets();
  SummaryBuilder builder;
  Digest digest;
  for (std::string_view part : {content.trace_fields, content.octets}) {
    builder.Feed(part);
    digest.Update(part);
  }
  content.summary = std::move(builder).Finish();
  content.digest = digest.Finish();
  return content;
}

}  // namespace

absl::StatusOr<NewContent> PrepareContent(Store& store, const type::v1::MessageBody& body) {
  if (body.trace_fields().size() > kMaxTraceFields) return TooLarge("trace fields");
  if (body.inline_octets().size() > kChunkSize) return TooLarge("inline content: upload it");
  NewContent content;
  if (body.content_case() == type::v1::MessageBody::kUploadId) {
    ASSIGN_OR_RETURN(content, PrepareUpload(store, body));
  } else {
    content = PrepareInline(store, body);
  }
  if (content.size() > store.options().max_message_bytes + kMaxTraceFields) return TooLarge("message");
  content.structure = content.summary.structure.SerializeAsString();
  return content;
}

void WriteContent(Store& store, const NewContent& content, kv::Batch& batch) {
  const kv::Column blobs = store.column(ColumnId::kBlobs);
  if (content.upload != nullptr) {
    if (content.prefix > 0) batch.Put(blobs, keys::BlobPrefix(content.blob, content.prefix), content.trace_fields);
    return;
  }
  // Cut as readers expect it: every chunk but the last is whole.
  const size_t head = content.trace_fields.size();
  const size_t first = std::min(content.octets.size(), kChunkSize - head);
  batch.PutParts(blobs, keys::BlobChunk(content.blob, 0), {content.trace_fields, content.octets.substr(0, first)});
  if (first < content.octets.size()) batch.Put(blobs, keys::BlobChunk(content.blob, 1), content.octets.substr(first));
  batch.Put(store.column(ColumnId::kReferences), keys::Blob(content.blob), EncodeBlobRecord(content.size(), content.digest));
}

size_t BatchSize(const NewContent& content) {
  constexpr size_t kRecords = 4096;  // keys, and what is small
  return content.trace_fields.size() + content.octets.size() + content.summary.MemoryEstimate() + kRecords;
}

absl::StatusOr<MailboxChange> BeginChange(Txn& txn, MailboxId mailbox) {
  ASSIGN_OR_RETURN(const storage::v1::MailboxRecord* record, txn.Mailbox(mailbox));
  MailboxChange change;
  change.account = txn.number();
  change.mailbox = mailbox;
  change.before_modseq = record->highest_modseq();
  change.modseq = record->highest_modseq();
  change.uid_next = record->uid_next();
  return change;
}

absl::StatusOr<Flags> ResolveFlags(Txn& txn, MailboxId mailbox, const mailbox::v1::FlagList& flags, MailboxChange* change) {
  Flags result = flags.system_flags() & kSystemFlags;
  if (flags.keywords().empty()) return result;
  ASSIGN_OR_RETURN(const storage::v1::MailboxRecord* record, txn.Mailbox(mailbox));
  std::vector<std::string> known(record->keywords().begin(), record->keywords().end());
  const size_t before = known.size();
  for (const std::string& keyword : flags.keywords()) {
    if (!imap::IsValidKeyword(keyword)) return InvalidRequest("keyword");
    auto it = std::find_if(known.begin(), known.end(),
                           [&](const std::string& k) { return text::EqualsIgnoreAsciiCase(k, keyword); });
    if (it == known.end()) {
      if (known.size() >= kMaxKeywords) return LimitReached("keywords of a mailbox");
      it = known.insert(known.end(), keyword);
    }
    result |= Flags{1} << (kFirstKeywordBit + (it - known.begin()));
  }
  if (known.size() > before) {
    ASSIGN_OR_RETURN(storage::v1::MailboxRecord * edited, txn.EditMailbox(mailbox));
    for (size_t i = before; i < known.size(); ++i) edited->add_keywords(known[i]);
    change->keywords = std::move(known);
  }
  return result;
}

absl::StatusOr<AddedMessage> AddMessage(Txn& txn, MailboxId mailbox, const NewContent& content, const NewMessageFacts& facts,
                                        uint64_t modseq, MailboxChange* change) {
  ASSIGN_OR_RETURN(storage::v1::MailboxRecord * record, txn.EditMailbox(mailbox));
  if (record->uid_next() >= kMaxUid - 1) return LimitReached("UIDs of a mailbox");
  RETURN_IF_ERROR(CheckQuota(txn, 1, content.size()));
  AddedMessage added;
  added.uid = record->uid_next();
  added.instance = txn.NextInstance();

  MessageRecord message{facts.flags, modseq, content.size()};
  EntryRecord entry;
  entry.internal_seconds = facts.internal_seconds;
  entry.zone_minutes = facts.zone_minutes;
  entry.save_seconds = txn.store().NowSeconds();
  entry.instance = added.instance;
  entry.blob = content.blob;
  entry.header_size = content.summary.header_size;
  if (content.upload != nullptr && content.prefix > 0) {
    entry.prefix = content.prefix;
    entry.prefix_size = static_cast<uint32_t>(content.trace_fields.size());
  }
  auto merge = [&](ColumnId column, const std::string& key, uint32_t bits, std::string_view payload) {
    kv::PageWriter delta;
    delta.Add(added.uid & ((1u << bits) - 1), payload);
    txn.MergePage(column, key, delta.octets());
  };
  const std::string page = keys::Page(txn.number(), mailbox, added.uid >> kPageBits);
  merge(ColumnId::kMessages, page, kPageBits, message.Encode());
  merge(ColumnId::kEntries, page, kPageBits, entry.Encode());
  auto summary = [&](SummaryKind kind, std::string_view octets) {
    merge(ColumnId::kSummaries, keys::SummaryPage(txn.number(), mailbox, kind, added.uid >> kSummaryPageBits),
          kSummaryPageBits, octets);
  };
  summary(SummaryKind::kEnvelope, content.summary.envelope);
  summary(SummaryKind::kBody, content.summary.body);
  summary(SummaryKind::kBodyStructure, content.summary.body_structure);
  summary(SummaryKind::kStructure, content.structure);
  summary(SummaryKind::kSearch, content.summary.search);
  summary(SummaryKind::kFacts, facts.facts);
  txn.PutUnread(ColumnId::kReferences, keys::Reference(content.blob, txn.number(), added.instance), "");

  record->set_uid_next(added.uid + 1);
  record->set_messages(record->messages() + 1);
  record->set_recent(record->recent() + 1);
  if ((facts.flags & kSeen) == 0) record->set_unseen(record->unseen() + 1);
  if ((facts.flags & kDeleted) != 0) record->set_deleted(record->deleted() + 1);
  record->set_octets(record->octets() + content.size());
  record->set_highest_modseq(modseq);
  if (txn.store().KeepsArrivals()) record->set_last_arrival_seconds(entry.save_seconds);
  CountAdded(txn.EditRecord(), 1, content.size());
  change->messages.push_back(ViewMessage{added.uid, facts.flags, modseq});
  change->modseq = modseq;
  change->uid_next = added.uid + 1;
  return added;
}

}  // namespace mailmesh::mailbox_store
