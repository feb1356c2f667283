// What lies on disk may be damaged: any octets are a record or are refused, and a record that was read is written the same.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "common/kv/page_merge.h"
#include "services/mailbox_store/engine/keys.h"
#include "services/mailbox_store/engine/message_record.h"
#include "services/mailbox_store/engine/search_record.h"
#include "services/mailbox_store/engine/uid_set.h"

using namespace mailmesh;
using namespace mailmesh::mailbox_store;

namespace {

template <class Record>
void CheckRecord(std::string_view octets) {
  Record record;
  if (!record.Decode(octets)) return;
  Record again;
  if (!again.Decode(record.Encode()) || !(again == record)) std::abort();
}

void CheckUidSet(std::string_view octets) {
  UidSet set;
  if (!UidSet::Decode(octets, &set)) return;
  uint64_t next = 1;
  for (const UidSet::Range& range : set.ranges()) {
    if (range.first < next || range.last < range.first) std::abort();
    next = static_cast<uint64_t>(range.last) + 1;
  }
  UidSet again;
  if (!UidSet::Decode(set.Encode(), &again) || !(again == set)) std::abort();
  if (UidSet::FromProto(set.ToProto()).value() != set || !set.Without(set).empty()) std::abort();
}

// A page is what its records, one by one, make of it.
void CheckPage(std::string_view octets, std::string_view delta) {
  kv::PageView view;
  if (!view.Apply(octets)) return;
  kv::PageView walked;
  kv::PageReader reader(octets);
  while (reader.Next()) reader.removed() ? walked.Remove(reader.index()) : walked.Set(reader.index(), reader.payload());
  if (reader.damaged() || walked.Encode(true) != view.Encode(true)) std::abort();
  const std::string page = view.Encode();
  kv::PageView again;
  if (!again.Apply(page) || again.Encode() != page || again.Count() != view.Count()) std::abort();
  if (view.Apply(delta)) static_cast<void>(view.Encode());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view octets(reinterpret_cast<const char*>(data) + 1, size - 1);
  CheckRecord<MessageRecord>(octets);
  CheckRecord<EntryRecord>(octets);
  CheckUidSet(octets);
  const size_t split = std::min<size_t>(data[0], octets.size());
  CheckPage(octets.substr(0, split), octets.substr(split));
  SearchRecord search;
  static_cast<void>(DecodeSearchRecord(octets, &search));
  if (const auto mailbox = ParseMailboxId(octets); mailbox && MailboxIdText(*mailbox).size() != octets.size()) std::abort();
  if (const auto job = ParseJobId(octets); job && JobIdText(job->account, job->job).size() != octets.size()) std::abort();
  if (keys::NameOf(keys::Name(AccountId(7), octets)).size() != octets.size()) std::abort();
  std::string_view key = octets;
  while (keys::TakeAccount(key) && keys::TakeBlob(key)) {
  }
  return 0;
}
