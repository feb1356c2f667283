#include "services/directory/list_pages.h"

#include <algorithm>
#include <optional>

#include "common/base/bytes.h"
#include "common/base/status.h"

namespace mailmesh::directory {

absl::Status ListPage(const Store& store, Table table, const PageRequest& request,
                      const std::function<absl::Status(std::string_view, std::string_view)>& each, std::string* next_token) {
  if (request.size < 0) return absl::InvalidArgumentError("page_size is negative");
  std::optional<std::string> after = base::HexDecode(request.token);
  if (!after) return absl::InvalidArgumentError("not a page_token of this list");
  const int size = request.size == 0 ? kDefaultPage : std::min(request.size, kMaxPage);
  int taken = 0;
  std::string last;
  absl::Status result;
  next_token->clear();
  RETURN_IF_ERROR(store.Scan(table, request.prefix, *after, [&](std::string_view key, std::string_view value) {
    if (taken == size) {
      *next_token = base::HexEncode(last);
      return false;
    }
    ++taken;
    last = std::string(key);
    result = each(key, value);
    return result.ok();
  }));
  return result;
}

}  // namespace mailmesh::directory
