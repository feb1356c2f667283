#include "services/mailbox_store/engine/keys.h"

#include <algorithm>

#include "common/base/bytes.h"

namespace mailmesh::mailbox_store {

using base::AppendBigEndian;

namespace keys {
namespace {

constexpr char kLevelMark = '\x01';
constexpr size_t kNumberSize = 8;
constexpr uint32_t kPrefixMark = 0x80000000;

std::string Numbers(uint64_t first) {
  std::string key;
  key.reserve(32);
  AppendBigEndian(key, first);
  return key;
}

std::string Numbers(uint64_t first, uint64_t second) {
  std::string key = Numbers(first);
  AppendBigEndian(key, second);
  return key;
}

void AppendBlob(std::string& key, const BlobId& blob) { key.append(reinterpret_cast<const char*>(blob.data()), blob.size()); }

}  // namespace

std::string Meta() { return "meta"; }
std::string AccountById(std::string_view account_id) { return std::string("i").append(account_id); }

std::string Account(AccountId account) { return Numbers(account.value()); }
std::string Mailbox(AccountId account, MailboxId mailbox) { return Numbers(account.value(), mailbox.value()); }

std::string Name(AccountId account, std::string_view name) {
  std::string key = Numbers(account.value());
  key.append(name);
  std::replace(key.begin() + kNumberSize, key.end(), '/', kLevelMark);
  return key;
}

std::string NameOf(std::string_view key) {
  std::string name(key.substr(std::min(key.size(), kNumberSize)));
  std::replace(name.begin(), name.end(), kLevelMark, '/');
  return name;
}

std::string ChildrenOf(AccountId account, std::string_view name) {
  std::string key = Name(account, name);
  key.push_back(kLevelMark);
  return key;
}

std::string Page(AccountId account, MailboxId mailbox, uint32_t page) {
  std::string key = Numbers(account.value(), mailbox.value());
  AppendBigEndian(key, page);
  return key;
}

uint32_t PageOf(std::string_view key) {
  if (key.size() < sizeof(uint32_t)) return 0;
  key.remove_prefix(key.size() - sizeof(uint32_t));
  return base::TakeBigEndian<uint32_t>(key).value_or(0);
}

std::string SummaryPrefix(AccountId account, MailboxId mailbox, SummaryKind kind) {
  std::string key = Numbers(account.value(), mailbox.value());
  key.push_back(static_cast<char>(kind));
  return key;
}

std::string SummaryPage(AccountId account, MailboxId mailbox, SummaryKind kind, uint32_t page) {
  std::string key = SummaryPrefix(account, mailbox, kind);
  AppendBigEndian(key, page);
  return key;
}

std::string Change(AccountId account, MailboxId mailbox, ChangeKind kind, ModSeq modseq) {
  std::string key = Numbers(account.value(), mailbox.value());
  key.push_back(static_cast<char>(kind));
  AppendBigEndian(key, modseq.value());
  return key;
}

ModSeq ModSeqOf(std::string_view change_key) {
  if (change_key.size() < kNumberSize) return ModSeq();
  change_key.remove_prefix(change_key.size() - kNumberSize);
  return ModSeq(base::TakeBigEndian<uint64_t>(change_key).value_or(0));
}

std::string BlobChunk(const BlobId& blob, uint32_t chunk) {
  std::string key;
  AppendBlob(key, blob);
  AppendBigEndian(key, chunk);
  return key;
}

std::string BlobPrefix(const BlobId& blob, uint32_t prefix) { return BlobChunk(blob, kPrefixMark | prefix); }

std::string Blob(const BlobId& blob) {
  std::string key;
  AppendBlob(key, blob);
  return key;
}

std::string Reference(const BlobId& blob, AccountId account, uint64_t instance) {
  std::string key;
  key.reserve(32);
  AppendBlob(key, blob);
  AppendBigEndian(key, account.value());
  AppendBigEndian(key, instance);
  return key;
}

std::string Request(AccountId account, char operation, std::string_view request_id, std::string_view detail) {
  std::string key = Numbers(account.value());
  key.push_back(operation);
  key.append(request_id);
  if (!detail.empty()) key.append(1, '\0').append(detail);
  return key;
}

std::string GarbageBlob(GarbageKind kind, const BlobId& blob) {
  std::string key(1, static_cast<char>(kind));
  AppendBlob(key, blob);
  return key;
}

std::string GarbageExpunged(AccountId account, MailboxId mailbox, ModSeq modseq) {
  std::string key(1, static_cast<char>(GarbageKind::kExpunged));
  AppendBigEndian(key, account.value());
  AppendBigEndian(key, mailbox.value());
  AppendBigEndian(key, modseq.value());
  return key;
}

namespace {

std::string GarbageOf(GarbageKind kind, AccountId account, MailboxId mailbox) {
  std::string key(1, static_cast<char>(kind));
  AppendBigEndian(key, account.value());
  AppendBigEndian(key, mailbox.value());
  return key;
}

}  // namespace

std::string GarbageMailbox(AccountId account, MailboxId mailbox) {
  return GarbageOf(GarbageKind::kMailbox, account, mailbox);
}
std::string GarbageChanges(AccountId account, MailboxId mailbox) {
  return GarbageOf(GarbageKind::kChanges, account, mailbox);
}

std::string GarbageAccount(AccountId account) {
  std::string key(1, static_cast<char>(GarbageKind::kAccount));
  AppendBigEndian(key, account.value());
  return key;
}

std::string Job(AccountId account, uint64_t job) { return Numbers(account.value(), job); }

std::string SeenId(AccountId account, uint64_t job, std::string_view remote_id) {
  return Numbers(account.value(), job).append(remote_id);
}

std::optional<AccountId> TakeAccount(std::string_view& key) {
  const std::optional<uint64_t> number = base::TakeBigEndian<uint64_t>(key);
  if (!number) return std::nullopt;
  return AccountId(*number);
}

std::optional<MailboxId> TakeMailbox(std::string_view& key) {
  const std::optional<uint64_t> number = base::TakeBigEndian<uint64_t>(key);
  if (!number) return std::nullopt;
  return MailboxId(*number);
}

std::optional<BlobId> TakeBlob(std::string_view& key) {
  BlobId blob;
  if (key.size() < blob.size()) return std::nullopt;
  std::copy_n(key.begin(), blob.size(), blob.begin());
  key.remove_prefix(blob.size());
  return blob;
}

}  // namespace keys

namespace {

std::string HexOf(uint64_t first) {
  std::string octets;
  AppendBigEndian(octets, first);
  return base::HexEncode(octets);
}

// Exactly one number of 16 lower-case hexadecimal digits from the front.
std::optional<uint64_t> TakeHex(std::string_view& text) {
  constexpr size_t kDigits = 16;
  if (text.size() < kDigits) return std::nullopt;
  const std::optional<std::string> octets = base::HexDecode(text.substr(0, kDigits));
  if (!octets) return std::nullopt;
  text.remove_prefix(kDigits);
  std::string_view view = *octets;
  return base::TakeBigEndian<uint64_t>(view);
}

}  // namespace

std::string MailboxIdText(MailboxId mailbox) { return HexOf(mailbox.value()); }

std::optional<MailboxId> ParseMailboxId(std::string_view text) {
  const std::optional<uint64_t> number = TakeHex(text);
  if (!number || *number == 0 || !text.empty()) return std::nullopt;
  return MailboxId(*number);
}

std::string MessageIdText(AccountId account, uint64_t instance) { return HexOf(account.value()) + HexOf(instance); }

std::string JobIdText(AccountId account, uint64_t job) { return HexOf(account.value()) + "-" + HexOf(job); }

std::optional<JobKey> ParseJobId(std::string_view text) {
  const std::optional<uint64_t> account = TakeHex(text);
  if (!account || *account == 0 || text.empty() || text.front() != '-') return std::nullopt;
  text.remove_prefix(1);
  const std::optional<uint64_t> job = TakeHex(text);
  if (!job || *job == 0 || !text.empty()) return std::nullopt;
  return JobKey{AccountId(*account), *job};
}

}  // namespace mailmesh::mailbox_store
