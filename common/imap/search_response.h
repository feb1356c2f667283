// SEARCH, ESEARCH, SORT and THREAD responses.
//
// Thread-safety: free functions. RFC 3501, 7.2.5; RFC 4731; RFC 5256, 4; RFC 7162, 3.1.5 and 3.1.10.
#ifndef MAILMESH_COMMON_IMAP_SEARCH_RESPONSE_H_
#define MAILMESH_COMMON_IMAP_SEARCH_RESPONSE_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "common/base/ids.h"
#include "common/imap/command.h"
#include "common/imap/sequence_set.h"

namespace mailmesh::imap {

// "* SEARCH 2 84 882 (MODSEQ 917)". `modseq` none (0) where the search did not ask for it, or found nothing.
void AppendSearch(std::string& out, const SequenceSet& found, ModSeq modseq = ModSeq());
void AppendSearch(std::string& out, std::span<const uint32_t> found, ModSeq modseq = ModSeq());
// "* SORT 5 3 4".
void AppendSort(std::string& out, std::span<const uint32_t> found, ModSeq modseq = ModSeq());
// "* ESEARCH (TAG "A1") UID MIN 2 COUNT 3 ALL 2,10:11 MODSEQ 12". `found` is resolved. RFC 4731, 3.1: MIN, MAX and ALL are
// left out when nothing was found, COUNT is not; SAVE has no answer.
void AppendESearch(std::string& out, std::string_view tag, bool uid, SearchReturn returns, const SequenceSet& found,
                   ModSeq modseq = ModSeq());

// A forest of threads in one array. Number 0: a message that is not there, whose children have lost their parent.
struct ThreadNode {
  static constexpr uint32_t kNone = 0xffffffff;
  uint32_t number = 0;
  uint32_t first_child = kNone;
  uint32_t next_sibling = kNone;
};
// "* THREAD (2)(3 6 (4 23)(44 7 96))". The roots begin at node `root` (kNone: no threads). Does not recurse.
void AppendThread(std::string& out, std::span<const ThreadNode> nodes, uint32_t root);

}  // namespace mailmesh::imap

#endif  // MAILMESH_COMMON_IMAP_SEARCH_RESPONSE_H_
