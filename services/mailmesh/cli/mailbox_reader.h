// Reads a mailbox for commands: its messages with their flags and dates, and their octets.
//
// Memory: 12 octets a message of the mailbox, and one batch. Not thread-safe.
#ifndef MAILMESH_SERVICES_MAILMESH_CLI_MAILBOX_READER_H_
#define MAILMESH_SERVICES_MAILMESH_CLI_MAILBOX_READER_H_

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "services/mailmesh/cli/store_access.h"

namespace mailmesh::cli {

struct MessageInfo {
  uint32_t uid = 0;
  uint64_t flags = 0;  // as in ViewPage
  int64_t date_seconds = 0;
  int32_t date_zone_minutes = 0;
  uint64_t size = 0;
};

class MailboxReader {
 public:
  // Reads the mailbox's list of UIDs and flags. Claims nothing: for other clients the mailbox is as before.
  static absl::StatusOr<MailboxReader> Open(const AccountStore& store, const std::string& mailbox);

  const std::string& mailbox_id() const { return mailbox_id_; }
  uint32_t uid_validity() const { return uid_validity_; }
  // Ascending.
  const std::vector<uint32_t>& uids() const { return uids_; }

  // The messages of these UIDs that are still there, ascending.
  absl::StatusOr<std::vector<MessageInfo>> Describe(std::span<const uint32_t> uids) const;

  // Names of the flags: system flags with their backslash, then keywords.
  std::vector<std::string> FlagNames(uint64_t flags) const;

  // Hands over the chunks of these messages, in the order of the contract.
  using TakeChunk = std::function<absl::Status(const mailbox::v1::ContentChunk&)>;
  absl::Status ReadContent(std::span<const uint32_t> uids, const std::vector<mailbox::v1::ContentSelector>& selectors,
                           const TakeChunk& take) const;

 private:
  explicit MailboxReader(const AccountStore& store) : store_(&store) {}
  absl::Status ReadView();

  const AccountStore* store_;  // outlives the reader
  std::string mailbox_id_;
  uint32_t uid_validity_ = 0;
  std::vector<std::string> keywords_;
  std::vector<uint32_t> uids_;
  std::vector<uint64_t> flags_;
};

// UIDs as the contract writes them; `uids` ascending.
void FillUidSet(std::span<const uint32_t> uids, mailbox::v1::UidSet* set);

}  // namespace mailmesh::cli

#endif  // MAILMESH_SERVICES_MAILMESH_CLI_MAILBOX_READER_H_
