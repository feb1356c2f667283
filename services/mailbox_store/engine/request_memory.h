// What is remembered of a request: when it may be forgotten, and what it was answered.
//
// Octets: 8 octets big-endian seconds since 1970 at which it expires, then the serialised response.
// Thread-safety: free functions.
#ifndef MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_REQUEST_MEMORY_H_
#define MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_REQUEST_MEMORY_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/bytes.h"

namespace mailmesh::mailbox_store {

inline std::string EncodeRequest(int64_t expires_seconds, std::string_view response) {
  std::string out;
  base::AppendBigEndian(out, static_cast<uint64_t>(expires_seconds));
  out.append(response);
  return out;
}

// The response, while it is remembered; a view into `octets`.
inline std::optional<std::string_view> DecodeRequest(std::string_view octets, int64_t now_seconds) {
  const std::optional<uint64_t> expires = base::TakeBigEndian<uint64_t>(octets);
  if (!expires || static_cast<int64_t>(*expires) <= now_seconds) return std::nullopt;
  return octets;
}

inline bool RequestExpired(std::string_view octets, int64_t now_seconds) {
  const std::optional<uint64_t> expires = base::TakeBigEndian<uint64_t>(octets);
  return expires.has_value() && static_cast<int64_t>(*expires) <= now_seconds;
}

}  // namespace mailmesh::mailbox_store

#endif  // MAILMESH_SERVICES_MAILBOX_STORE_ENGINE_REQUEST_MEMORY_H_
