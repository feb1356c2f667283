// Keys of the database: fixed-width big-endian numbers, the account's first on all but shared blobs, so that a mailbox is
// one range and an account another. docs/formats/mailbox_store.md is the grammar.
//
// Thread-safety: free functions.
#ifndef MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_KEYS_H_
#define MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_KEYS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/ids.h"
#include "common/base/random.h"

namespace mailmesh::mailbox_store {

using BlobId = base::Id128;

// Messages of a page: 256 of the small records, 64 of the summaries.
inline constexpr uint32_t kPageBits = 8;
inline constexpr uint32_t kSummaryPageBits = 6;

enum class SummaryKind : uint8_t {
  kEnvelope = 1,
  kBody = 2,
  kBodyStructure = 3,
  kStructure = 4,
  kSearch = 5,
  kFacts = 6,
};
inline constexpr SummaryKind kSummaryKinds[] = {SummaryKind::kEnvelope,  SummaryKind::kBody,   SummaryKind::kBodyStructure,
                                                SummaryKind::kStructure, SummaryKind::kSearch, SummaryKind::kFacts};

enum class ChangeKind : uint8_t { kChanged = 1, kExpunged = 2 };

// What the collector has to do.
enum class GarbageKind : uint8_t {
  kAccount = 'A',   // account
  kBlob = 'B',      // blob: perhaps nobody refers to it any more
  kChanges = 'C',   // account, mailbox: more change records than are worth keeping
  kExpunged = 'E',  // account, mailbox, MODSEQ -> UIDs whose entries, summaries and references are to go
  kMailbox = 'M',   // account, mailbox: all of it is to go
  kUpload = 'U',    // blob: written ahead, not yet claimed
};

namespace keys {

// meta
std::string Meta();
std::string AccountById(std::string_view account_id);

// accounts; also the prefix of everything of an account
std::string Account(AccountId account);
// mailboxes; also the prefix of a mailbox in messages, entries, summaries, changes
std::string Mailbox(AccountId account, MailboxId mailbox);

// names: '/' is written as 0x01, so that children follow their parent
std::string Name(AccountId account, std::string_view name);
std::string NameOf(std::string_view key);
// Keys of the names below `name` begin with this.
std::string ChildrenOf(AccountId account, std::string_view name);

// messages, entries
std::string Page(AccountId account, MailboxId mailbox, uint32_t page);
uint32_t PageOf(std::string_view key);
// summaries
std::string SummaryPage(AccountId account, MailboxId mailbox, SummaryKind kind, uint32_t page);
std::string SummaryPrefix(AccountId account, MailboxId mailbox, SummaryKind kind);

// changes
std::string Change(AccountId account, MailboxId mailbox, ChangeKind kind, ModSeq modseq);
ModSeq ModSeqOf(std::string_view change_key);

// blobs
std::string BlobChunk(const BlobId& blob, uint32_t chunk);
// Trace fields of one message over an uploaded content: index 0x80000000 + prefix.
std::string BlobPrefix(const BlobId& blob, uint32_t prefix);
// references: the blob's own record, and one for each message instance
std::string Blob(const BlobId& blob);
std::string Reference(const BlobId& blob, AccountId account, uint64_t instance);

// requests
std::string Request(AccountId account, char operation, std::string_view request_id, std::string_view detail = {});

// garbage
std::string GarbageBlob(GarbageKind kind, const BlobId& blob);
std::string GarbageExpunged(AccountId account, MailboxId mailbox, ModSeq modseq);
std::string GarbageMailbox(AccountId account, MailboxId mailbox);
std::string GarbageChanges(AccountId account, MailboxId mailbox);
std::string GarbageAccount(AccountId account);

// jobs; also the prefix of seen_ids
std::string Job(AccountId account, uint64_t job);
std::string SeenId(AccountId account, uint64_t job, std::string_view remote_id);

// Takes numbers off the front of a key.
std::optional<AccountId> TakeAccount(std::string_view& key);
std::optional<MailboxId> TakeMailbox(std::string_view& key);
std::optional<BlobId> TakeBlob(std::string_view& key);

}  // namespace keys

// Ids as texts of the API.
std::string MailboxIdText(MailboxId mailbox);
std::optional<MailboxId> ParseMailboxId(std::string_view text);
std::string MessageIdText(AccountId account, uint64_t instance);
std::string JobIdText(AccountId account, uint64_t job);
struct JobKey {
  AccountId account;
  uint64_t job;
};
std::optional<JobKey> ParseJobId(std::string_view text);

}  // namespace mailmesh::mailbox_store

#endif  // MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_KEYS_H_
