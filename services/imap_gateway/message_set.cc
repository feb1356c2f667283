#include "services/imap_gateway/message_set.h"

#include <algorithm>

namespace mailmesh::imap_gateway {
namespace {

// RFC 9051, 9 (seq-number) as Dovecot reads it: "n:*" is good for n up to the number of messages, and "*" is good where
// there is a message.
bool NumbersExist(const imap::SequenceSet& set, uint32_t messages) {
  for (const imap::SequenceSet::Range& range : set.ranges()) {
    if (messages == 0 || range.first > messages || range.last > messages) return false;
  }
  return true;
}

}  // namespace

std::optional<imap::SequenceSet> ResolveSet(const imap::SequenceSet& set, bool uid, const Version& known) {
  // RFC 5182 is not offered.
  if (set.is_saved_result()) return std::nullopt;
  if (uid) return ToSequences(set.Resolve(known.max_uid(), true), known);
  if (!NumbersExist(set, known.size())) return std::nullopt;
  return set.Resolve(known.size());
}

imap::SequenceSet ToUids(const imap::SequenceSet& sequences, const Version& known) {
  imap::SequenceSet uids;
  for (const imap::SequenceSet::Range& range : sequences.ranges()) {
    uids.AddRange(known.At(range.first).uid, known.At(range.last).uid);
  }
  return uids;
}

imap::SequenceSet ToSequences(const imap::SequenceSet& uids, const Version& known) {
  imap::SequenceSet sequences;
  for (const imap::SequenceSet::Range& range : uids.ranges()) {
    const uint32_t count = known.CountWithin(range.first, range.last);
    if (count == 0) continue;
    const uint32_t first = known.CountBelow(range.first) + 1;
    sequences.AddRange(first, first + count - 1);
  }
  return sequences;
}

mailbox::v1::UidSet ToProto(const imap::SequenceSet& uids) {
  mailbox::v1::UidSet set;
  for (const imap::SequenceSet::Range& range : uids.ranges()) {
    set.add_first(range.first);
    set.add_last(range.last);
  }
  return set;
}

mailbox::v1::UidSet ToUidSet(const imap::SequenceSet& sequences, const Version& known) {
  return ToProto(ToUids(sequences, known));
}

imap::SequenceSet KeepBoth(const imap::SequenceSet& a, const imap::SequenceSet& b) {
  imap::SequenceSet both;
  auto other = b.ranges().begin();
  for (const imap::SequenceSet::Range& range : a.ranges()) {
    while (other != b.ranges().end() && other->last < range.first) ++other;
    for (auto it = other; it != b.ranges().end() && it->first <= range.last; ++it) {
      both.AddRange(std::max(range.first, it->first), std::min(range.last, it->last));
    }
  }
  return both;
}

imap::SequenceSet TakeFirst(imap::SequenceSet& set, uint64_t count) {
  imap::SequenceSet first;
  imap::SequenceSet rest;
  for (const imap::SequenceSet::Range& range : set.ranges()) {
    const auto taken = static_cast<uint32_t>(std::min<uint64_t>(count, uint64_t{range.last} - range.first + 1));
    if (taken > 0) first.AddRange(range.first, range.first + (taken - 1));
    if (taken <= range.last - range.first) rest.AddRange(range.first + taken, range.last);
    count -= taken;
  }
  set = std::move(rest);
  return first;
}

imap::SequenceSet FromUidSet(const mailbox::v1::UidSet& uids) {
  imap::SequenceSet set;
  for (int i = 0; i < uids.first_size() && i < uids.last_size(); ++i) set.AddRange(uids.first(i), uids.last(i));
  set.Normalise();
  return set;
}

}  // namespace mailmesh::imap_gateway
