// The names of IMAP's commands as a closed enum: for dispatch, metric labels and logs.
#ifndef MAILMESH_COMMON_IMAP_VERB_H_
#define MAILMESH_COMMON_IMAP_VERB_H_

#include <cstdint>
#include <string_view>

namespace mailmesh::imap {

enum class Verb : uint8_t {
  kUnknown,
  kAppend, kAuthenticate, kCapability, kCheck, kClose, kCopy, kCreate, kDelete, kEnable, kExamine, kExpunge, kFetch,
  kGetQuota, kGetQuotaRoot, kId, kIdle, kList, kLogin, kLogout, kLsub, kMove, kNamespace, kNoop, kRename, kSearch,
  kSelect, kSetQuota, kSort, kStartTls, kStatus, kStore, kSubscribe, kThread, kUid, kUnselect, kUnsubscribe,
  kCount
};

// Any case; kUnknown for what is no command.
Verb VerbByName(std::string_view name);
// "FETCH"; "UNKNOWN" for kUnknown. Static.
std::string_view VerbName(Verb verb);
// RFC 3501, 9: commands whose arguments are credentials, never to be logged.
inline bool IsSecret(Verb verb) { return verb == Verb::kLogin || verb == Verb::kAuthenticate; }

}  // namespace mailmesh::imap

#endif  // MAILMESH_COMMON_IMAP_VERB_H_
