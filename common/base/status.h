// Macros that hand an absl::Status on, and the bridge between the two kinds of string_view.
//
// RETURN_IF_ERROR(expr)            returns the status of `expr` when it is not OK
// ASSIGN_OR_RETURN(lhs, expr)      assigns the value of a StatusOr, or returns its status
// CO_RETURN_IF_ERROR, CO_ASSIGN_OR_RETURN: the same in a coroutine. Do not put a co_await with brace-initialised
// temporaries into them (GCC 12 destroys those twice): make a named local first.
//
// Reasons (mailmesh.type.v1.ErrorReason) are attached in common/rpc: this folder knows no protos.
#ifndef MAILMESH_COMMON_BASE_STATUS_H_
#define MAILMESH_COMMON_BASE_STATUS_H_

#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace mailmesh::base {

// Debian's Abseil has a string_view of its own. The views are valid as long as what they were made from.
inline absl::string_view Av(std::string_view text) { return absl::string_view(text.data(), text.size()); }
inline std::string_view Sv(absl::string_view text) { return std::string_view(text.data(), text.size()); }

// The message of a status as the standard's view; valid while `status` is.
inline std::string_view Message(const absl::Status& status) { return Sv(status.message()); }

// The same status with "context: " before its message; payloads are kept. OK stays OK.
absl::Status Annotate(const absl::Status& status, std::string_view context);

// A status for a failed system call: code by errno, "context: strerror" as text.
absl::Status ErrnoStatus(int error_number, std::string_view context);

namespace status_internal {
inline absl::Status ToStatus(absl::Status status) { return status; }
template <class T>
absl::Status ToStatus(absl::StatusOr<T>&& result) {
  return std::move(result).status();
}
}  // namespace status_internal

}  // namespace mailmesh::base

#define MAILMESH_CONCAT_INNER_(a, b) a##b
#define MAILMESH_CONCAT_(a, b) MAILMESH_CONCAT_INNER_(a, b)

#define MAILMESH_RETURN_IF_ERROR_(keyword, expr)                                                             \
  do {                                                                                                       \
    if (auto mailmesh_status_ = ::mailmesh::base::status_internal::ToStatus(expr); !mailmesh_status_.ok()) { \
      keyword mailmesh_status_;                                                                              \
    }                                                                                                        \
  } while (false)

#define MAILMESH_ASSIGN_OR_RETURN_(keyword, result, lhs, expr) \
  auto result = (expr);                                        \
  if (!result.ok()) {                                          \
    keyword std::move(result).status();                        \
  }                                                            \
  lhs = std::move(result).value()

#define RETURN_IF_ERROR(...) MAILMESH_RETURN_IF_ERROR_(return, (__VA_ARGS__))
#define ASSIGN_OR_RETURN(lhs, ...) \
  MAILMESH_ASSIGN_OR_RETURN_(return, MAILMESH_CONCAT_(mailmesh_result_, __LINE__), lhs, (__VA_ARGS__))
#define CO_RETURN_IF_ERROR(...) MAILMESH_RETURN_IF_ERROR_(co_return, (__VA_ARGS__))
#define CO_ASSIGN_OR_RETURN(lhs, ...) \
  MAILMESH_ASSIGN_OR_RETURN_(co_return, MAILMESH_CONCAT_(mailmesh_result_, __LINE__), lhs, (__VA_ARGS__))

#endif  // MAILMESH_COMMON_BASE_STATUS_H_
