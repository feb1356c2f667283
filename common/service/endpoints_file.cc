#include "common/service/endpoints_file.h"

#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "common/base/file.h"

namespace mailmesh::service {

std::string EndpointsFile::PathFromEnvironment() {
  const char* path = std::getenv("MAILMESH_ENDPOINTS_FILE");
  return path == nullptr ? "" : path;
}

absl::Status EndpointsFile::Set(std::string_view name, std::string_view address) {
  if (path_.empty()) return absl::OkStatus();
  absl::MutexLock lock(&mutex_);
  endpoints_[std::string(name)] = std::string(address);
  std::string text;
  for (const auto& [key, value] : endpoints_) absl::StrAppend(&text, key, "=", value, "\n");
  return base::WriteFileAtomically(path_, text, 0600);
}

}  // namespace mailmesh::service
