// Pages of a list: a token is the key of the last entry of the page before, in hexadecimal.
#ifndef MAILMESH_SERVICES_DIRECTORY_LIST_PAGES_H_
#define MAILMESH_SERVICES_DIRECTORY_LIST_PAGES_H_

#include <functional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "services/directory/store.h"

namespace mailmesh::directory {

struct PageRequest {
  int size = 0;  // 0: kDefaultPage
  std::string token;
  std::string prefix{};
};
inline constexpr int kDefaultPage = 100;
inline constexpr int kMaxPage = 1000;

// Calls `each` with the entries of one page and sets the token of the next, empty at the end. InvalidArgument for a token
// that is none.
absl::Status ListPage(const Store& store, Table table, const PageRequest& request,
                      const std::function<absl::Status(std::string_view key, std::string_view value)>& each,
                      std::string* next_token);

}  // namespace mailmesh::directory

#endif  // MAILMESH_SERVICES_DIRECTORY_LIST_PAGES_H_
