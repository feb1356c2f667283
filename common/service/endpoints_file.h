// Tells whoever started this process which addresses it has: lines "name=address" in the file that
// MAILMESH_ENDPOINTS_FILE names, replaced as a whole with each new one. Without the variable, nothing. Thread-safe.
#ifndef MAILMESH_COMMON_SERVICE_ENDPOINTS_FILE_H_
#define MAILMESH_COMMON_SERVICE_ENDPOINTS_FILE_H_

#include <map>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"

namespace mailmesh::service {

class EndpointsFile {
 public:
  explicit EndpointsFile(std::string path) : path_(std::move(path)) {}
  static std::string PathFromEnvironment();

  absl::Status Set(std::string_view name, std::string_view address);

 private:
  const std::string path_;
  absl::Mutex mutex_;
  std::map<std::string, std::string> endpoints_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace mailmesh::service

#endif  // MAILMESH_COMMON_SERVICE_ENDPOINTS_FILE_H_
