// What a remote maildrop lists: numbers, sizes, unique ids, and which of them were fetched before.
//
// A message costs 24 octets and its id. Ids are compared with those that the store remembers page by page, so that neither list is in
// memory twice. Numbers that come twice or in no order, and ids that several messages share, are a server's fault and do no harm.
// Flow: Add()*, Seal(); then everything else. Thread-safety: none.
// RFC 1939, 7 (UIDL).
#ifndef MAILMESH_SERVICES_FETCHER_MAILDROP_H_
#define MAILMESH_SERVICES_FETCHER_MAILDROP_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/pop3/listing.h"

namespace mailmesh::fetcher {

class Maildrop {
 public:
  // At most 32,767 octets of id.
  void Add(pop3::MessageNumber number, std::string_view unique_id);
  // A message whose id cannot be read: it cannot be fetched, for nothing would tell that it was.
  void AddUnreadable() { ++unreadable_; }
  // Once all are added: of a number that comes again only the first remains.
  void Seal();
  // Of a number that was added; others are ignored.
  void SetSize(pop3::MessageNumber number, uint64_t size_bytes);

  size_t size() const { return messages_.size(); }
  uint32_t unreadable() const { return unreadable_; }
  pop3::MessageNumber number(size_t i) const { return messages_[i].number; }
  uint64_t size_bytes(size_t i) const { return messages_[i].size_bytes; }
  std::string_view unique_id(size_t i) const { return std::string_view(ids_).substr(messages_[i].id_offset, messages_[i].id_size); }

  // All messages of this id were fetched. False: none has it.
  bool MarkSeen(std::string_view unique_id);
  bool seen(size_t i) const { return messages_[i].seen; }
  size_t seen_count() const { return seen_count_; }

 private:
  struct Message {
    uint64_t size_bytes = 0;
    uint64_t id_offset : 48 = 0;
    uint64_t id_size : 15 = 0;
    uint64_t seen : 1 = 0;
    pop3::MessageNumber number = 0;
  };

  std::string ids_;
  std::vector<Message> messages_;
  std::vector<uint32_t> by_id_;  // indexes into messages_
  size_t seen_count_ = 0;
  uint32_t unreadable_ = 0;
};

}  // namespace mailmesh::fetcher

#endif  // MAILMESH_SERVICES_FETCHER_MAILDROP_H_
