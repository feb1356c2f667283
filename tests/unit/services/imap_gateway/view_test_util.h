// A plain mailbox to compare versions with, and random changes of it.
#ifndef MAILMESH_TESTS_UNIT_SERVICES_IMAP_GATEWAY_VIEW_TEST_UTIL_H_
#define MAILMESH_TESTS_UNIT_SERVICES_IMAP_GATEWAY_VIEW_TEST_UTIL_H_

#include <map>
#include <random>
#include <vector>

#include "services/imap_gateway/view/version.h"
#include "services/imap_gateway/view/version_builder.h"

namespace mailmesh::imap_gateway {

struct PlainMailbox {
  std::map<uint32_t, Message> messages;
  uint32_t uid_next = 1;
  uint64_t modseq = 1;
};

inline std::vector<Message> Messages(const Version& version) {
  std::vector<Message> all;
  if (version.size() > 0) {
    version.ForEach(1, version.size(), [&](uint32_t, const Message& message) {
      all.push_back(message);
      return true;
    });
  }
  return all;
}

inline std::vector<Message> Messages(const PlainMailbox& mailbox) {
  std::vector<Message> all;
  for (const auto& [uid, message] : mailbox.messages) all.push_back(message);
  return all;
}

// Random changes: new messages, flags, expunges, single ones and ranges. Applies them to `mailbox` and gives the next version.
inline VersionPtr Step(std::mt19937& random, PlainMailbox& mailbox, const Version& base) {
  const auto below = [&](uint32_t n) { return n == 0 ? 0 : static_cast<uint32_t>(random() % n); };
  VersionBuilder builder(base);
  ++mailbox.modseq;
  builder.SetModSeq(mailbox.modseq);
  std::vector<Message> changed;
  const uint32_t expunges = below(4) == 0 ? below(5) : 0;
  for (uint32_t i = 0; i < expunges; ++i) {
    const uint32_t first = 1 + below(mailbox.uid_next);
    const uint32_t last = first + (below(3) == 0 ? below(400) : 0);
    builder.Expunge(first, last);
    mailbox.messages.erase(mailbox.messages.lower_bound(first), mailbox.messages.upper_bound(last));
  }
  const uint32_t flags = below(3) == 0 ? below(6) : 0;
  for (uint32_t i = 0; i < flags && !mailbox.messages.empty(); ++i) {
    auto it = mailbox.messages.lower_bound(1 + below(mailbox.uid_next));
    if (it == mailbox.messages.end()) continue;
    it->second.flags = below(32);
    it->second.modseq = mailbox.modseq;
    builder.Put(it->second);
  }
  const uint32_t added = below(2) == 0 ? below(below(10) == 0 ? 1500 : 5) : 0;
  for (uint32_t i = 0; i < added; ++i) {
    mailbox.uid_next += below(3);
    const Message message{mailbox.uid_next, below(32), mailbox.modseq};
    mailbox.messages[mailbox.uid_next++] = message;
    builder.Put(message);
  }
  builder.SetUidNext(mailbox.uid_next);
  return builder.Build();
}

}  // namespace mailmesh::imap_gateway

#endif  // MAILMESH_TESTS_UNIT_SERVICES_IMAP_GATEWAY_VIEW_TEST_UTIL_H_
