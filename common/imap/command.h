// The typed form of each command: one struct a command, and the variant of them all.
//
// Mailbox names are UTF-8 with INBOX in capitals, whatever the client's encoding was (mailbox_name.h).
// Credentials are base::Secret: they cannot be printed by mistake and are wiped.
// Thread-safety: values. To add a command see README.md.
// RFC 3501, 6; further RFCs at the structs.
#ifndef MAILMESH_COMMON_IMAP_COMMAND_H_
#define MAILMESH_COMMON_IMAP_COMMAND_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "common/base/secret.h"
#include "common/imap/date_time.h"
#include "common/imap/fetch_item.h"
#include "common/imap/flags.h"
#include "common/imap/search_key.h"
#include "common/imap/sequence_set.h"
#include "common/imap/verb.h"

namespace mailmesh::imap {

// ---- Any state

struct Capability {};
struct Noop {};
struct Logout {};

// RFC 2971. A value may be NIL. Empty: the client sent NIL.
struct Id {
  std::vector<std::pair<std::string, std::optional<std::string>>> fields;
};

// ---- Not authenticated

struct StartTls {};

struct Authenticate {
  std::string mechanism;  // upper case
  // RFC 4959: still base64, "=" decoded to the empty response; absent: the client waits for the first challenge.
  std::optional<base::Secret> initial_response;
};

struct Login {
  std::string user;
  base::Secret password;
};

// ---- Authenticated

// RFC 5161. Upper case.
struct Enable {
  std::vector<std::string> capabilities;
};

// RFC 7162, 3.2.5: (QRESYNC (uidvalidity modseq [known-uids] [(known-sequence-set known-uid-set)])).
struct QResync {
  uint32_t uid_validity = 0;
  uint64_t modseq = 0;
  std::optional<SequenceSet> known_uids;
  struct Match {
    SequenceSet sequence_numbers;
    SequenceSet uids;
  };
  std::optional<Match> match;
};

// SELECT and EXAMINE.
struct Select {
  std::string mailbox;
  bool read_only = false;  // EXAMINE
  bool condstore = false;  // RFC 7162, 3.1.8
  std::optional<QResync> qresync;
};

struct Create {
  std::string mailbox;
  // RFC 3501, 6.3.3: a name that ended in the hierarchy separator only announces children; the separator is removed.
  bool ended_in_separator = false;
  std::vector<std::string> special_use;  // RFC 6154, 3: "\Sent", as written
};
struct Delete {
  std::string mailbox;
};
struct Rename {
  std::string from;
  std::string to;
};
struct Subscribe {
  std::string mailbox;
};
struct Unsubscribe {
  std::string mailbox;
};

// RFC 3501, 6.3.10 and extensions, as bits: STATUS, LIST RETURN (STATUS ...) and the answer share them.
using StatusItems = uint16_t;
inline constexpr StatusItems kStatusMessages = 1;
inline constexpr StatusItems kStatusRecent = 2;
inline constexpr StatusItems kStatusUidNext = 4;
inline constexpr StatusItems kStatusUidValidity = 8;
inline constexpr StatusItems kStatusUnseen = 16;
inline constexpr StatusItems kStatusHighestModSeq = 32;    // RFC 7162
inline constexpr StatusItems kStatusSize = 64;             // RFC 8438, RFC 9051
inline constexpr StatusItems kStatusDeleted = 128;         // RFC 9208, RFC 9051
inline constexpr StatusItems kStatusDeletedStorage = 256;  // RFC 9208
inline constexpr StatusItems kStatusAppendLimit = 512;     // RFC 7889

struct Status {
  std::string mailbox;
  StatusItems items = 0;
};

// RFC 5258, RFC 5819, RFC 6154. Simple LIST: extended is false, one pattern, nothing else set.
struct List {
  std::string reference;
  std::vector<std::string> patterns;  // UTF-8, with % and *
  bool extended = false;              // any option, or a parenthesised list of patterns: RFC 5258, 3
  struct Selection {
    bool subscribed = false;
    bool remote = false;
    bool recursive_match = false;
    bool special_use = false;
  } select;
  struct Return {
    bool subscribed = false;
    bool children = false;
    bool special_use = false;
    StatusItems status = 0;
  } returns;
};

struct Lsub {
  std::string reference;
  std::string pattern;
};

struct Namespace {};  // RFC 2342
struct Idle {};       // RFC 2177: "DONE" is read with CommandReader::NextLine

// One message of APPEND without its octets, which the reader streams.
struct AppendMessage {
  FlagList flags;
  std::optional<DateTime> date;
  uint64_t size = 0;
  bool binary = false;  // literal8: may have NULs (RFC 3516)
  bool utf8 = false;    // UTF8 (~{n}): RFC 6855, 4
};

// APPEND up to the announcement of its first message; the others follow one by one (RFC 3502): command_parser.h.
struct Append {
  std::string mailbox;
  AppendMessage message;
};

// RFC 9208.
struct GetQuota {
  std::string root;
};
struct GetQuotaRoot {
  std::string mailbox;
};
struct SetQuota {
  std::string root;
  std::vector<std::pair<std::string, uint64_t>> limits;  // resource in upper case
};

// ---- Selected

struct Check {};
struct Close {};
struct Unselect {};  // RFC 3691

// UID EXPUNGE (RFC 4315) has a set.
struct Expunge {
  std::optional<SequenceSet> uids;
};

struct Fetch {
  bool uid = false;
  SequenceSet set;
  std::vector<FetchItem> items;  // macros expanded; RFC 3501, 6.4.8: UID FETCH answers with the UID, asked for or not
  std::optional<uint64_t> changed_since;  // RFC 7162, 3.1.4.1
  bool vanished = false;                  // RFC 7162, 3.2.6: only with uid and changed_since
};

struct Store {
  enum class Mode : uint8_t { kReplace, kAdd, kRemove };
  bool uid = false;
  SequenceSet set;
  std::optional<uint64_t> unchanged_since;  // RFC 7162, 3.1.3
  Mode mode = Mode::kReplace;
  bool silent = false;
  FlagList flags;  // never \Recent
};

struct Copy {
  bool uid = false;
  SequenceSet set;
  std::string mailbox;
};

// RFC 6851.
struct Move {
  bool uid = false;
  SequenceSet set;
  std::string mailbox;
};

// RFC 4731 and RFC 5182 (SAVE), as bits.
using SearchReturn = uint8_t;
inline constexpr SearchReturn kReturnMin = 1;
inline constexpr SearchReturn kReturnMax = 2;
inline constexpr SearchReturn kReturnAll = 4;
inline constexpr SearchReturn kReturnCount = 8;
inline constexpr SearchReturn kReturnSave = 16;

struct Search {
  bool uid = false;
  // Set: answer with ESEARCH. RFC 4731, 3.1: "RETURN ()" is ALL.
  std::optional<SearchReturn> returns;
  std::string charset;  // empty: not named; upper case
  SearchKey key;
};

// RFC 5256.
struct SortCriterion {
  enum class Key : uint8_t { kArrival, kCc, kDate, kFrom, kSize, kSubject, kTo };
  Key key = Key::kArrival;
  bool reverse = false;
  bool operator==(const SortCriterion&) const = default;
};

struct Sort {
  bool uid = false;
  std::vector<SortCriterion> criteria;
  std::string charset;  // upper case
  SearchKey key;
};

struct Thread {
  enum class Algorithm : uint8_t { kOrderedSubject, kReferences };
  bool uid = false;
  Algorithm algorithm = Algorithm::kOrderedSubject;
  std::string charset;  // upper case
  SearchKey key;
};

using Command = std::variant<Capability, Noop, Logout, Id, StartTls, Authenticate, Login, Enable, Select, Create, Delete,
                             Rename, Subscribe, Unsubscribe, Status, List, Lsub, Namespace, Idle, Append, GetQuota,
                             GetQuotaRoot, SetQuota, Check, Close, Unselect, Expunge, Fetch, Store, Copy, Move, Search,
                             Sort, Thread>;

}  // namespace mailmesh::imap

#endif  // MAILMESH_COMMON_IMAP_COMMAND_H_
