// The directory as a process.
#ifndef MAILMESH_SERVICES_DIRECTORY_APP_H_
#define MAILMESH_SERVICES_DIRECTORY_APP_H_

#include <memory>
#include <vector>

#include "common/service/run.h"
#include "mailmesh/config/v1/directory.pb.h"
#include "services/directory/core.h"

namespace mailmesh::directory {

class App final : public service::AppBase {
 public:
  using Config = config::v1::DirectoryConfig;
  static constexpr const char* kRole = "directory";

  static absl::StatusOr<std::unique_ptr<App>> Create(const Config& config, service::Runtime& runtime);
  static std::vector<config::Problem> Check(const Config& config);

  absl::Status Start() override { return absl::OkStatus(); }
  // Exchanges under way are calls: the gRPC server waits for them.
  void Drain(absl::Time) override {}
  void Stop() override;

 private:
  App() = default;
  // Borrowed: the runtime's.
  std::vector<base::WorkerPool*> pools_;
  std::unique_ptr<Core> core_;
};

}  // namespace mailmesh::directory

#endif  // MAILMESH_SERVICES_DIRECTORY_APP_H_
