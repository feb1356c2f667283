#include "common/imap/verb.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "common/imap/chars.h"

namespace mailmesh::imap {
namespace {

// In the order of the enum, which is alphabetical (but for "UNKNOWN").
constexpr std::array<std::string_view, static_cast<size_t>(Verb::kCount)> kNames = {
    "UNKNOWN",  "APPEND", "AUTHENTICATE", "CAPABILITY", "CHECK",     "CLOSE",    "COPY",    "CREATE",      "DELETE",
    "ENABLE",   "EXAMINE", "EXPUNGE",     "FETCH",      "GETQUOTA",  "GETQUOTAROOT", "ID",  "IDLE",        "LIST",
    "LOGIN",    "LOGOUT", "LSUB",         "MOVE",       "NAMESPACE", "NOOP",     "RENAME",  "SEARCH",      "SELECT",
    "SETQUOTA", "SORT",   "STARTTLS",     "STATUS",     "STORE",     "SUBSCRIBE", "THREAD", "UID",         "UNSELECT",
    "UNSUBSCRIBE"};
static_assert(std::is_sorted(kNames.begin() + 1, kNames.end()));

}  // namespace

Verb VerbByName(std::string_view name) {
  char upper[16];
  if (name.empty() || name.size() > sizeof(upper)) return Verb::kUnknown;
  std::transform(name.begin(), name.end(), upper, internal::Upper);
  const std::string_view key(upper, name.size());
  const auto found = std::lower_bound(kNames.begin() + 1, kNames.end(), key);
  return found != kNames.end() && *found == key ? static_cast<Verb>(found - kNames.begin()) : Verb::kUnknown;
}

std::string_view VerbName(Verb verb) {
  return verb < Verb::kCount ? kNames[static_cast<size_t>(verb)] : kNames[0];
}

}  // namespace mailmesh::imap
