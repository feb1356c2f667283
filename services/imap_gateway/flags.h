// Flags between IMAP's bits and names, the store's bits (mailbox.v1.SystemFlag, keywords by index) and its lists.
// Thread-safety: free functions and values. RFC 3501, 2.3.2.
#ifndef MAILMESH_SERVICES_IMAP_GATEWAY_FLAGS_H_
#define MAILMESH_SERVICES_IMAP_GATEWAY_FLAGS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/imap/flags.h"
#include "mailmesh/mailbox/v1/mailbox_service.pb.h"

namespace mailmesh::imap_gateway {

// \Recent is not among the store's flags.
imap::SystemFlags ToImapFlags(uint64_t store_flags);
uint64_t ToStoreFlags(imap::SystemFlags flags);

mailbox::v1::FlagList ToFlagList(const imap::FlagList& flags);

// The bit of a keyword among those of a mailbox; nothing when the mailbox does not have it.
std::optional<uint64_t> KeywordBit(const std::vector<std::string>& keywords, std::string_view keyword);
// The bits of a list; keywords that the mailbox does not have are left out.
uint64_t FlagBits(const std::vector<std::string>& keywords, const imap::FlagList& flags);

std::vector<std::string_view> Views(const std::vector<std::string>& texts);

// The flags of one message after another as FetchResponse wants them. Messages in a row often have the same flags: the
// last answer is kept. Borrows the keywords.
class FlagNames {
 public:
  explicit FlagNames(const std::vector<std::string>& keywords) : keywords_(keywords) {}
  // Makes system() and names() those of `store_flags`.
  void Set(uint64_t store_flags, bool recent);
  imap::SystemFlags system() const { return system_; }
  const std::vector<std::string_view>& names() const { return names_; }

 private:
  const std::vector<std::string>& keywords_;
  bool any_ = false;
  uint64_t store_flags_ = 0;
  imap::SystemFlags system_ = 0;
  std::vector<std::string_view> names_;
};

}  // namespace mailmesh::imap_gateway

#endif  // MAILMESH_SERVICES_IMAP_GATEWAY_FLAGS_H_
