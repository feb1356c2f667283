// The condition of SEARCH, SORT and THREAD as a tree.
//
// The tree is simplified as it is read: OR of OR is one OR with more children, an AND of one key is that key, NOT NOT is
// nothing. So the long chains that clients make ("OR a OR b OR c ...") are flat, and the depth counts what is truly nested.
// Thread-safety: a value. Limits: SearchLimits. Parsing does not recurse; what walks the tree recurses at most max_depth.
// RFC 3501, 6.4.4; RFC 5032 (WITHIN); RFC 7162, 3.1.5 (MODSEQ); RFC 5182 ("$").
#ifndef MAILMESH_COMMON_IMAP_SEARCH_KEY_H_
#define MAILMESH_COMMON_IMAP_SEARCH_KEY_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "common/imap/date_time.h"
#include "common/imap/flags.h"
#include "common/imap/sequence_set.h"

namespace mailmesh::imap {

struct SearchLimits {
  size_t max_depth = 64;     // of the simplified tree
  size_t max_keys = 10000;   // leaves and inner nodes as written
  size_t max_open = 200;     // what waits for its end while reading: open parentheses, and NOTs and ORs between them
};

struct SearchKey {
  enum class Kind : uint8_t {
    kAll,
    // Inner nodes.
    kAnd,  // children: two or more
    kOr,   // children: two or more
    kNot,  // children: one
    // Flags.
    kFlag,     // `flag`: ANSWERED, DELETED, DRAFT, FLAGGED, SEEN, RECENT; their UN-forms are kNot of it, NEW and OLD too
    kKeyword,  // `text`
    // Numbers.
    kSequence,  // `set`: sequence numbers
    kUid,       // `set`: UIDs. Either may be "$": set.is_saved_result()
    kLarger,    // `number` octets
    kSmaller,
    kModSeq,  // `number`: at least this; `field` has the entry name, if there was one ("/flags/\\seen")
    kOlder,   // `number` seconds (RFC 5032)
    kYounger,
    // Dates: `date`.
    kBefore,  // internal date
    kOn,
    kSince,
    kSentBefore,  // Date field
    kSentOn,
    kSentSince,
    // Texts: `text` in the command's charset. An empty text matches every message that has the field.
    kBcc,
    kCc,
    kFrom,
    kSubject,
    kTo,
    kBody,
    kText,
    kHeader,  // `field` is the header field's name
  };
  Kind kind = Kind::kAll;
  SystemFlags flag = 0;
  uint64_t number = 0;
  Date date;
  std::string text;
  std::string field;
  SequenceSet set;
  std::vector<SearchKey> children;

  bool operator==(const SearchKey&) const = default;
};

// As a client would write it, for logs and tests: "SEEN OR FROM a NOT DELETED". Reads back to the same tree.
void AppendSearchKey(std::string& out, const SearchKey& key);

}  // namespace mailmesh::imap

#endif  // MAILMESH_COMMON_IMAP_SEARCH_KEY_H_
